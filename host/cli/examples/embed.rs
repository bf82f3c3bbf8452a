//! Runs a workflow inside a program: `cargo run --example embed -- FILE.yaml`.

use std::sync::Arc;

use ringfence::engine::{
    Clock, Host, HostConfig, MemoryArtifacts, RunSpec, draw_run_id, draw_seed,
};
use ringfence::flow::{RunEvent, WorkflowFile};
use ringfence::sandbox::{Sandbox, SandboxConfig};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("which workflow?")?;
    let file = WorkflowFile::parse(&path, &std::fs::read_to_string(&path)?)
        .map_err(|errors| format!("{errors:#?}"))?;

    let mut config = SandboxConfig::default();
    config.plugins.push("target/plugins".into());
    let sandbox = Arc::new(Sandbox::load(config, &()).await?.sandbox);

    let clock = Clock::system();
    let host = Host::start(sandbox, HostConfig::default(), clock);
    let mut run = host
        .run(RunSpec {
            id: draw_run_id(clock.now()),
            inputs: file.plan().workflow().bind_inputs(Default::default()).map_err(|e| format!("{e:?}"))?,
            plan: Arc::new(file.into_plan()),
            seed: draw_seed(),
            budgets: None,
            artifacts: Arc::new(MemoryArtifacts::default()),
            observer: Box::new(|event: &RunEvent| println!("{event:?}")),
        })
        .await?;
    println!("{}", run.outcome().await?.status);
    Ok(())
}
