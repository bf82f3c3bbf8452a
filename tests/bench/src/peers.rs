//! The same trivial work in other systems, where `cargo xtask bench` could install
//! them: a chain of steps, and a fan-out of steps.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::engine::{self, STEPS};
use crate::result::{Aim, Row};
use crate::sandbox;
use crate::stats::{Comparison, Spread};

/// A program that measures one of them, started in a folder with what it needs.
struct Peer {
    name: &'static str,
    folder: &'static str,
    program: &'static str,
    script: &'static str,
}

const PEERS: [Peer; 5] = [
    Peer {
        name: "LangGraph",
        folder: "python",
        program: "bin/python",
        script: "langgraph_peer.py",
    },
    Peer {
        name: "DBOS",
        folder: "python",
        program: "bin/python",
        script: "dbos_peer.py",
    },
    Peer {
        name: "Restate",
        folder: "node",
        program: "node",
        script: "restate_peer.mjs",
    },
    Peer {
        name: "Extism",
        folder: "python",
        program: "bin/python",
        script: "extism_peer.py",
    },
    Peer {
        name: "Temporal",
        folder: "python",
        program: "bin/python",
        script: "temporal_peer.py",
    },
];

/// What a peer's program prints.
#[derive(Deserialize)]
struct Measured {
    peer: String,
    what: String,
    seconds: Vec<f64>,
}

/// Compares with those that are installed in `installed`.
pub(crate) fn measure(installed: &Path) -> Vec<Row> {
    let ours = Ours::measure();
    let mut rows = Vec::new();
    for peer in &PEERS {
        match peer.measure(installed) {
            Ok(measured) => rows.extend(measured.iter().filter_map(|line| ours.against(line))),
            Err(why) => eprintln!("{} is left out: {why}", peer.name),
        }
    }
    rows
}

impl Peer {
    fn measure(&self, installed: &Path) -> Result<Vec<Measured>, String> {
        let folder = std::path::absolute(installed.join(self.folder)).unwrap();
        let own = folder.join(self.program);
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
        // A script finds its packages from where it lies.
        let script = folder.join(self.script);
        std::fs::copy(scripts.join(self.script), &script)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let output = Command::new(if own.exists() {
            own.as_path()
        } else {
            Path::new(self.program)
        })
        .arg(&script)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            let last = said.lines().rfind(|line| !line.trim().is_empty());
            return Err(last.unwrap_or("it says nothing").to_owned());
        }
        let lines = String::from_utf8_lossy(&output.stdout);
        let lines = lines.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
            .collect()
    }
}

/// What the host takes for a step, a fresh sandbox included: in memory, and
/// durable.
struct Ours {
    chain: [Spread; 2],
    fan_out: [Spread; 2],
    call: Spread,
}

impl Ours {
    fn measure() -> Self {
        let both = |text: &str| [false, true].map(|durable| engine::alone(text, durable));
        Self {
            chain: both(&engine::chain(None)),
            fan_out: both(&engine::wide(STEPS)),
            call: sandbox::alone(),
        }
    }

    fn against(&self, theirs: &Measured) -> Option<Row> {
        let durable = !theirs.peer.contains("in memory");
        let kept = if durable { "durable" } else { "in memory" };
        let steps = |ours: [Spread; 2], shape: &str| {
            let what = format!("a step of a {shape} of 1,000, {kept}");
            (ours[usize::from(durable)], what)
        };
        let (ours, what) = match theirs.what.as_str() {
            "chain" => steps(self.chain, "chain"),
            "fan-out" => steps(self.fan_out, "fan-out"),
            "call" => (self.call, "a fresh plugin and one call".to_owned()),
            _ => return None,
        };
        let other = Spread::of(theirs.seconds.iter().copied());
        let comparison = Comparison {
            ours,
            other,
            ratio: Spread {
                low: ours.low / other.high,
                median: ours.median / other.median,
                high: ours.high / other.low,
            },
        };
        let row = Row::against(&what, &theirs.peer, comparison);
        let is_fastest = theirs.what == "call" || !durable;
        Some(row.aims(Aim::AtMost(if is_fastest { 1.0 } else { 0.2 })))
    }
}
