//! The `ringfence` command.

mod args;
mod commands;
mod control;
mod error;
mod exit;
mod output;
mod telemetry;
mod ui;

use clap::{CommandFactory, Parser};

use args::{AgentsCommand, Cli, Command, ConfigCommand, SchemaOf};
use error::CliError;
use exit::ExitCode;
use telemetry::Telemetry;

/// What one core allocates for an attempt is freed on another one: the system's
/// allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    if let Command::CompileComponent = cli.command {
        return ringfence::sandbox::compile_child_main();
    }
    let telemetry = match Telemetry::start(&cli.global) {
        Ok(telemetry) => telemetry,
        Err(error) => return fail(&error).into(),
    };
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&CliError::Start(Box::new(error))).into(),
    };
    let code = runtime
        .block_on(dispatch(cli))
        .unwrap_or_else(|error| fail(&error));
    // A plugin that still compiles is not waited for.
    runtime.shutdown_background();
    telemetry.finish();
    code.into()
}

async fn dispatch(cli: Cli) -> Result<ExitCode, CliError> {
    let global = &cli.global;
    match cli.command {
        Command::New(args) => commands::new(&args)?,
        Command::Build(args) => commands::build(global, &args).await?,
        Command::Test(args) => return commands::test(global, &args).await,
        Command::Dev(args) => commands::dev(global, &args).await?,
        Command::Attempt(args) => commands::attempt(global, &args).await?,
        Command::Run(args) => return commands::run(global, &args).await,
        Command::Check(args) => commands::check(global, &args).await?,
        Command::Graph(args) => commands::graph(&args)?,
        Command::Componentize(args) => commands::componentize(&args)?,
        Command::Agents(AgentsCommand::List { format }) => commands::list(global, format).await?,
        Command::Agents(AgentsCommand::Inspect { name, format }) => {
            commands::inspect(global, &name, format).await?;
        }
        Command::Agents(AgentsCommand::Release { name, format }) => {
            commands::release(global, &name, format)?;
        }
        Command::Agents(AgentsCommand::Call(args)) => return commands::call(global, &args).await,
        Command::Runs(command) => return commands::runs(global, &command).await,
        Command::Config(ConfigCommand::Example) => output::print(ringfence::config::EXAMPLE),
        Command::Schema { of } => output::print_json(&match of {
            SchemaOf::Workflow => ringfence::flow::workflow_schema(),
            SchemaOf::Events => ringfence::flow::event_schema(),
            SchemaOf::Case => ringfence_project::case_schema(),
        }),
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "ringfence", &mut text);
            output::print(&String::from_utf8_lossy(&text));
        }
        Command::CompileComponent => unreachable!("answered before the runtime starts"),
    }
    Ok(ExitCode::Completed)
}

/// Shows why a command failed, with its causes and its hint.
fn fail(error: &CliError) -> ExitCode {
    let style = console::Style::new().for_stderr().red().bold();
    output::say(&format!("{} {error}", style.apply_to("error:")));
    error.exit_code()
}
