//! Tries what nobody granted, and reports what came of each try.

mod files;
mod network;
mod process;

use ringfence_sdk::prelude::*;

struct ReadEnv;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// A mount to break out of.
    #[serde(default)]
    mount: Option<String>,
    /// A name to look up.
    #[serde(default)]
    host: Option<String>,
}

/// What came of one try.
#[derive(Serialize)]
struct Try {
    what: String,
    allowed: bool,
    says: String,
}

impl Try {
    fn new<T, E: std::fmt::Display>(what: impl Into<String>, result: Result<T, E>) -> Self {
        Self {
            what: what.into(),
            allowed: result.is_ok(),
            says: result
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
struct Report {
    environment: Vec<(String, String)>,
    arguments: Vec<String>,
    clock_resolution_ns: u64,
    clock_readings_ns: Vec<u64>,
    tries: Vec<Try>,
}

impl Agent for ReadEnv {
    type Input = Input;
    type Output = Report;

    fn describe() -> Description {
        Description::new(
            "read-env",
            env!("CARGO_PKG_VERSION"),
            "tries what nobody granted",
        )
        .role("test")
        .role("read-env")
    }

    fn execute(input: Input, cx: &Context) -> Result<Outcome<Report>, Failure> {
        let mut tries = files::tries(input.mount.map(|name| cx.mount(&name)).as_deref());
        tries.extend(network::tries(input.host.as_deref().unwrap_or("localhost")));
        let (clock_resolution_ns, clock_readings_ns) = process::clock();
        Ok(Outcome::completed(Report {
            environment: std::env::vars().collect(),
            arguments: std::env::args().collect(),
            clock_resolution_ns,
            clock_readings_ns,
            tries,
        }))
    }
}

ringfence_sdk::register!(ReadEnv);
