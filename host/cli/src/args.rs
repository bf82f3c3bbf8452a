//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ringfence::flow::{AgentName, MountName, Role, RunId, TaskId, TaskPath};
use ringfence_project::Language;

/// Runs workflows of agents that nobody has to trust.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    completed
  1    the run failed, or a build or a case of a project
  2    the command line is wrong
  3    a gate rejected
  4    a workflow, the configuration or a plugin is not valid
  5    no loaded agent can take a task
  6    a file could not be read or written
  130  cancelled";

/// The command that the host starts itself with to compile a plugin.
pub(crate) const COMPILE_COMMAND: &str = ringfence::sandbox::COMPILE_ARGUMENT;

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The operator's file. Default: `ringfence.toml` in this folder, if there is one
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// A folder of plugins, in place of the configured ones (repeatable)
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) plugins: Vec<PathBuf>,
    /// The journal of runs. Default: one in your state folder
    #[arg(long, global = true, value_name = "FILE", env = "RINGFENCE_JOURNAL")]
    pub(crate) journal: Option<PathBuf>,
    /// What the host logs to stderr, as in `info` or `ringfence_engine=debug`
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        default_value = "warn",
        env = "RINGFENCE_LOG"
    )]
    pub(crate) log: String,
    /// How the log is written
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "RINGFENCE_LOG_FORMAT"
    )]
    pub(crate) log_format: LogFormat,
    /// Send traces to this OpenTelemetry collector, by OTLP over HTTP: `http://localhost:4318`
    #[arg(long, global = true, value_name = "URL", env = "RINGFENCE_OTLP")]
    pub(crate) otlp: Option<String>,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make the project of a new agent
    New(NewArgs),
    /// Build a project's agent to a component, and check that a host takes it
    Build(BuildArgs),
    /// Test a project's agent: its own tests, and its cases in the sandbox
    Test(TestArgs),
    /// Build and try a project's agent at each change
    Dev(DevArgs),
    /// Run a workflow
    Run(RunArgs),
    /// Check workflows without running them, and show their waves
    Check(CheckArgs),
    /// Draw a workflow
    Graph(GraphArgs),
    /// Look at the agents in the plugins folders, or try one out
    #[command(subcommand)]
    Agents(AgentsCommand),
    /// Look at runs, answer their questions, stop them, or go on with them
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Make a component of a program for WASI preview 1, in C, Zig, TinyGo or any language
    Componentize(ComponentizeArgs),
    /// Help with the operator's file, `ringfence.toml`
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the JSON Schema of workflow files, for editors, of case files, or of events
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t)]
        of: SchemaOf,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Compile one untrusted component: the host's own child process
    #[command(name = COMPILE_COMMAND, hide = true)]
    CompileComponent,
    /// Give a built project's agent one task from stdin: what the SDK's test kit calls
    #[command(hide = true)]
    Attempt(AttemptArgs),
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsCommand {
    /// List the live runs, what waits for approval, and earlier runs
    List {
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show the tasks of a run with their rounds and attempts
    Show {
        /// The run
        run: RunId,
        /// Write a report: the ending says which, .html, .md, .sarif or .json (repeatable)
        #[arg(long, value_name = "FILE")]
        report: Vec<PathBuf>,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Watch a run that another process drives, until it ends or is left
    Watch {
        /// The run
        run: RunId,
        /// How it is shown; `json` prints one event a line
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print what happened in a run
    Events(EventsArgs),
    /// Print what the agents of a run logged
    Logs {
        /// The run
        run: RunId,
        /// Only of this task; inside another workflow with its path, as in `build[2]/release`
        #[arg(long, value_parser = crate::commands::parse_task)]
        task: Option<TaskPath>,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print what the agents of a run reached for, whether it was allowed, and by which rule
    Audit {
        /// The run
        run: RunId,
        /// Only what was denied
        #[arg(long)]
        denied: bool,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Go on with a run whose process has died
    Resume(ResumeArgs),
    /// Run tasks of a run that has ended again, and all that depends on them
    Retry {
        /// A task to begin with (repeatable). Default: all that did not complete
        #[arg(long, value_name = "TASK")]
        from: Vec<TaskId>,
        #[command(flatten)]
        resume: ResumeArgs,
    },
    /// Remove runs that ended long ago, and what only they hold
    Prune {
        /// How long ago, for example `48h`
        #[arg(long, value_name = "DURATION", default_value = "720h", value_parser = parse_age)]
        older_than: Duration,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Approve a task that waits for a person
    Approve(DecideArgs),
    /// Reject a task that waits for a person
    Reject(DecideArgs),
    /// Stop a run; its tasks of `finally` still run
    Cancel {
        /// The run
        run: RunId,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EventsArgs {
    /// The run
    pub(crate) run: RunId,
    /// Wait for more until the run ends, or nobody drives it
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// How the result is printed; `json` prints one event a line
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// The run
    pub(crate) run: RunId,
    /// Go on although agents that the run has used are not the same any more
    #[arg(long)]
    pub(crate) accept_changed_agents: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The run
    pub(crate) run: RunId,
    /// The task; inside another workflow with its path, as in `build[2]/release`
    #[arg(value_parser = crate::commands::parse_task)]
    pub(crate) task: TaskPath,
    /// What you have to say of it: the feedback of a rejection
    #[arg(long)]
    pub(crate) note: Option<String>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a commented file with every key
    Example,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs: JSON
    Json,
}

/// What there is a JSON Schema of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Workflow files
    #[default]
    Workflow,
    /// The events that `--format json` prints
    Events,
    /// The case files of a project
    Case,
}

#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// What the agent is called
    pub(crate) name: AgentName,
    /// The language that it is written in
    #[arg(long, value_name = "LANGUAGE", default_value = Language::Rust.flag(), value_parser = languages())]
    pub(crate) lang: Language,
    /// The folder to make. Default: one of the agent's name
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
}

fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::flag))
        .try_map(|flag| flag.parse::<Language>())
}

#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Only the cases with this in their name, and not the project's own tests
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,
    /// How the results are printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Try the agent with the task of this case. Default: the first
    #[arg(long, value_name = "NAME", conflicts_with = "input")]
    pub(crate) case: Option<String>,
    /// Try the agent with this input: a JSON document, `@FILE`, or `-` for stdin
    #[arg(long, value_name = "JSON")]
    pub(crate) input: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AttemptArgs {
    /// The project's folder
    #[arg(default_value = ".", value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The workflow file
    pub(crate) file: PathBuf,
    /// An input of the workflow (repeatable)
    #[arg(long, short, value_name = "NAME=VALUE", value_parser = parse_input)]
    pub(crate) input: Vec<(String, String)>,
    /// A folder that agents may be granted (repeatable)
    #[arg(long, short, value_name = "NAME=PATH", value_parser = parse_mount)]
    pub(crate) mount: Vec<(MountName, PathBuf)>,
    /// The seed of the run's draws. Default: a fresh one
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// The name of the run. Default: a fresh one
    #[arg(long, value_name = "RUN")]
    pub(crate) id: Option<RunId>,
    /// Write nothing down: when the process dies, the run is gone
    #[arg(long, conflicts_with = "journal")]
    pub(crate) no_journal: bool,
    #[command(flatten)]
    pub(crate) drive: DriveArgs,
}

/// What holds for a run that this process drives, whether it starts or goes on.
#[derive(Debug, Args)]
pub(crate) struct DriveArgs {
    /// `json` prints one event a line
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// Write a report: the ending says which, .html, .md, .sarif or .json (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Write the artifacts of the run's tasks to this folder, under their names
    #[arg(long, value_name = "DIR")]
    pub(crate) artifacts: Option<PathBuf>,
    /// Take no earlier result, also for tasks with `cache: true`
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Do not listen to `ringfence runs`
    #[arg(long)]
    pub(crate) no_control: bool,
    /// Print nothing but the summary
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The workflow files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Check the files alone, not whether the loaded agents can do the work
    #[arg(long)]
    pub(crate) no_agents: bool,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

/// How a workflow is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Drawing {
    /// A Mermaid flowchart, for Markdown
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

#[derive(Debug, Args)]
pub(crate) struct GraphArgs {
    /// The workflow file
    pub(crate) file: PathBuf,
    /// How it is drawn. Default: as the output's ending says, else `mermaid`
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub(crate) drawing: Option<Drawing>,
    /// The file to write. Default: stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ComponentizeArgs {
    /// The core module that your compiler made
    pub(crate) module: PathBuf,
    /// The component to write; may be the same file
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// List the loaded agents and the refused files
    List {
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Show what an agent is, asks for and is granted
    Inspect {
        /// The agent
        name: AgentName,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Let an agent work again that was set aside
    Release {
        /// The agent
        name: AgentName,
        /// How the result is printed
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Give an agent one task
    Call(CallArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// The agent
    pub(crate) name: AgentName,
    /// The role it plays. Default: its first
    #[arg(long)]
    pub(crate) role: Option<Role>,
    /// The task's input: a JSON document, `@FILE`, or `-` for stdin
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) input: String,
    /// A folder that the agent may be granted (repeatable)
    #[arg(long, short, value_name = "NAME=PATH", value_parser = parse_mount)]
    pub(crate) mount: Vec<(MountName, PathBuf)>,
    /// How the result is printed
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
}

fn parse_age(text: &str) -> Result<Duration, String> {
    ringfence::flow::parse_duration(text).map_err(|error| error.to_string())
}

fn parse_input(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("write it as NAME=VALUE, for example `{text}=...`")),
    }
}

fn parse_mount(text: &str) -> Result<(MountName, PathBuf), String> {
    let Some((name, path)) = text.split_once('=') else {
        return Err(format!("write it as NAME=PATH, for example `src={text}`"));
    };
    if path.is_empty() {
        return Err(format!(
            "the mount `{name}` needs a path, for example `{name}=.`"
        ));
    }
    let name = MountName::new(name).map_err(|error| error.to_string())?;
    Ok((name, path.into()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_mount_has_a_name_and_a_path() {
        let (name, path) = parse_mount("src=/a=b").unwrap();
        assert_eq!((name.as_str(), path), ("src", PathBuf::from("/a=b")));
        for bad in ["src", "src=", "=x", "Src=x"] {
            assert!(parse_mount(bad).is_err(), "{bad}");
        }
    }
}
