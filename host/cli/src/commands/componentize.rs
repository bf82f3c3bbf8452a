//! `ringfence componentize`

use std::fs;
use std::io;
use std::path::Path;

use ringfence::flow::{AgentName, ByteSize};
use ringfence::sandbox::{AgentKind, ComponentInterface, componentize as make};
use serde::Serialize;

use super::workflow::read_bounded;
use crate::args::{ComponentizeArgs, Format};
use crate::error::CliError;
use crate::output::{print, print_json, say, shown};

/// What was made.
#[derive(Serialize)]
struct Made<'a> {
    path: String,
    size: ByteSize,
    #[serde(flatten)]
    interface: &'a ComponentInterface,
}

pub(crate) fn componentize(args: &ComponentizeArgs) -> Result<(), CliError> {
    let module = read_bounded(&args.module).map_err(CliError::disk(&args.module, "read"))?;
    let invalid = |what: &str| CliError::Invalid(format!("{} {what}", shown(&args.module)));
    let component = make(&module).map_err(|error| invalid(&error.to_string()))?;
    let interface = ComponentInterface::read(&component).map_err(|unfit| {
        let hint = unfit.hint();
        invalid(&format!(
            "becomes a component of which no agent can be made: it {unfit}\nhint: {hint}"
        ))
    })?;
    write(&args.output, &component).map_err(CliError::disk(&args.output, "write"))?;
    let made = Made {
        path: shown(&args.output),
        size: ByteSize::bytes(component.len() as u64),
        interface: &interface,
    };
    match args.format {
        Format::Json => print_json(&made),
        Format::Human => show(&args.output, &made),
    }
    Ok(())
}

fn show(path: &Path, made: &Made<'_>) {
    let kind = match made.interface.kind {
        AgentKind::Plugin => "an agent",
        AgentKind::Command => "a command",
    };
    let Made {
        path: file,
        size,
        interface,
    } = made;
    print(&format!(
        "{file}: {kind} for {}, {size}",
        interface.contract
    ));
    if interface.kind == AgentKind::Command {
        say(&role_hint(path));
    }
}

/// What makes an agent of a command: a role, under the name of its file.
fn role_hint(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match AgentName::new(&stem) {
        Ok(name) => format!(
            "hint: put it into a plugins folder, and say its role in `ringfence.toml`:\n\n  [agents.{name}]\n  roles = [\"linter\"]"
        ),
        Err(error) => {
            format!("hint: rename it to the agent's name, for example `my-agent.wasm`: {error}")
        }
    }
}

/// Writes the file so that a host that watches its folder sees the old one or
/// the new one; what is no file, such as a pipe, is written to.
fn write(path: &Path, component: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return fs::write(path, component);
    }
    let new = path.with_extension("wasm.new");
    fs::write(&new, component)?;
    fs::rename(&new, path)
}
