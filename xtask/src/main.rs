//! What a developer of Ringfence types: `cargo xtask test` runs everything
//! that is checked, `cargo xtask demo` shows the thing at work.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a command-line tool"
)]

mod bench;
mod browser;
mod checks;
mod clang;
mod counts;
mod debian_packages;
mod demo;
mod error;
mod estate;
mod fuzz;
mod guests;
mod packagers;
mod process;
mod project;
mod report;
mod tools;
mod wasm;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::Error;
use crate::project::Project;
use crate::report::Done;

/// What a developer of Ringfence types.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", version, propagate_version = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run everything that is checked: formatting, lints, tests, documents, workflows.
    Test {
        /// Also run the slow group of tests, those marked `ignored`.
        #[arg(long)]
        slow: bool,
    },
    /// Build the host and the standard agents, and review this repository's own source.
    Demo,
    /// Measure the host against bare loops and other systems, in one run.
    Bench {
        /// What to measure, for example `sandbox`. Default: everything.
        sections: Vec<String>,
        /// Also write the figures to this file.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// Look for inputs that break a promise, with cargo-fuzz and the nightly toolchain.
    Fuzz {
        /// Which targets, for example `workflow`. Default: all, one after the other.
        targets: Vec<String>,
        /// For how many seconds each.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Install what makes components of Python and JavaScript to target/packagers.
    Packagers,
    /// Build the standard agents to target/plugins, the guests of the tests to target/guests,
    /// the examples to target/examples, and the Rust agent of workflows/real-estate.
    BuildGuests {
        /// Build only the standard agents.
        #[arg(long)]
        plugins_only: bool,
    },
    /// Make the listings of workflows/real-estate.yaml anew, with their planted faults.
    Listings,
}

fn main() -> ExitCode {
    let command = Cli::parse().command;
    match run(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<(), Error> {
    let project = Project::find();
    match command {
        Command::Test { slow } => checks::run(&project, *slow),
        Command::Demo => demo::run(&project),
        Command::Bench { sections, json } => bench::run(&project, sections, json.as_deref()),
        Command::Fuzz { targets, seconds } => fuzz::run(&project, targets, *seconds),
        Command::Packagers => {
            if let Done::Skipped(why) = packagers::provide(&project) {
                eprintln!("warning: {why}");
            }
            Ok(())
        }
        Command::BuildGuests { plugins_only } => {
            let toolchain = wasm::find(&project)?;
            guests::build_plugins(&project, &toolchain)?;
            if !plugins_only {
                guests::build_test_guests(&project, &toolchain)?;
                guests::build_examples(&project, &toolchain)?;
                guests::build_estate(&project, &toolchain)?;
            }
            Ok(())
        }
        Command::Listings => estate::write(&project),
    }
}
