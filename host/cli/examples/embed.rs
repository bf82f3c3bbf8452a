//! Runs a workflow in a program: `cargo run --example embed -- FILE.yaml`.

#![allow(clippy::print_stdout, reason = "what an example shows")]

use std::{collections::BTreeMap, error::Error, process::ExitCode, sync::Arc};

use ringfence::engine::{Clock, Host, HostConfig, RunSpec};
use ringfence::flow::{RunEvent, WorkflowFile};
use ringfence::sandbox::{self, Compilation, Sandbox, SandboxConfig};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Plugins that nobody trusts are compiled by a process that has given up
    // nearly everything: this program, started once more.
    if sandbox::is_compile_child() {
        return Ok(sandbox::compile_child_main());
    }
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> Result<ExitCode, Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("which workflow?")?;
    let file = WorkflowFile::parse(&path, &std::fs::read_to_string(&path)?)
        .map_err(|errors| format!("{errors:#?}"))?;
    let inputs = file.plan().workflow().bind_inputs(BTreeMap::new());
    let inputs = inputs.map_err(|errors| format!("{errors:#?}"))?;

    let mut config = SandboxConfig::default();
    config.plugins.push("target/plugins".into());
    config.compilation = Compilation::this_program()?;
    let sandbox = Sandbox::load(config, &()).await?.sandbox;

    let host = Host::start(Arc::new(sandbox), HostConfig::default(), Clock::system());
    let spec = RunSpec::new(Arc::new(file.into_plan()), inputs, host.clock());
    let print = |event: &RunEvent| println!("{:?} {:?}", event.at, event.event);
    let outcome = host.run(spec.watched(print)).await?.outcome().await?;
    println!("{}", outcome.status);
    Ok(ExitCode::SUCCESS)
}
