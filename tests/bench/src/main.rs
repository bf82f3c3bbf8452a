//! Measures the host against bare loops over the same work, in one run on one
//! machine. `cargo xtask bench` builds and runs it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark measures and prints, and stops where something is wrong"
)]

mod allocations;
mod bare;
mod bindings;
mod counted;
mod engine;
mod machine;
mod peers;
mod resident;
mod result;
mod review;
mod rig;
mod sandbox;
mod start;
mod stats;
mod switches;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};

use crate::result::{Report, Row};

/// Measures the host against bare loops over the same work.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
struct Cli {
    /// What to measure. Default: everything.
    sections: Vec<Section>,
    /// Also write the figures to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// The program whose start is measured.
    #[arg(long, default_value = "target/release/ringfence")]
    program: PathBuf,
    /// The program that reviews a tree without sandboxes.
    #[arg(long, default_value = "target/release/examples/review")]
    native: PathBuf,
    /// Where other systems are installed.
    #[arg(long, default_value = "target/peers")]
    peers: PathBuf,
    /// Measures memory in a process of its own, and prints it.
    #[arg(long, hide = true)]
    resident: Option<resident::Of>,
    /// Does this so many times and nothing else, for a tool that counts
    /// instructions.
    #[arg(long, hide = true, requires = "times")]
    count: Option<counted::Path>,
    /// How many times.
    #[arg(long, hide = true)]
    times: Option<u32>,
}

/// A group of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    /// A fresh sandbox and a call.
    Sandbox,
    /// A task through the whole engine.
    Engine,
    /// The state machine that decides.
    Machine,
    /// The review of a large source tree.
    Review,
    /// Start with many plugins, and the first result of a process.
    Start,
    /// Memory.
    Resident,
    /// What fuel and epochs cost.
    Switches,
    /// Instructions of the hot paths, where valgrind is installed.
    Counts,
    /// Other systems, where they are installed.
    Peers,
}

impl Section {
    fn measure(self, cli: &Cli) -> Vec<Row> {
        match self {
            Self::Sandbox => sandbox::measure(),
            Self::Engine => engine::measure(),
            Self::Machine => machine::measure(),
            Self::Review => review::measure(&cli.native),
            Self::Start => start::measure(&cli.program),
            Self::Resident => resident::measure(),
            Self::Switches => switches::measure(),
            Self::Counts => counted::measure(),
            Self::Peers => peers::measure(&cli.peers),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(of) = cli.resident {
        println!("{}", of.bytes());
        return ExitCode::SUCCESS;
    }
    if let (Some(path), Some(times)) = (cli.count, cli.times) {
        path.take(times);
        return ExitCode::SUCCESS;
    }
    let sections = match cli.sections.as_slice() {
        [] => Section::value_variants(),
        some => some,
    };
    let mut report = Report::new();
    println!("{report}");
    for section in sections {
        let rows = section.measure(&cli);
        for row in rows {
            println!("{row}");
            report.rows.push(row);
        }
    }
    if let Some(path) = &cli.json {
        let text = serde_json::to_string_pretty(&report).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
    ExitCode::SUCCESS
}
