//! What fuel and epochs cost the guest's own work: the bare loop with and without
//! them.

use wasmtime::{Config, Engine};

use crate::bare::Bare;
use crate::result::Row;
use crate::rig::{INPUT, guest};
use crate::stats::{Comparison, compare};

const ROUNDS: usize = 9;

/// Work of an agent that computes.
const COMPUTES: &str = r#"{"units":20000000}"#;

pub(crate) fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    for (agent, input, times, what) in [
        ("burn-fuel", COMPUTES, 4, "a guest that computes"),
        ("echo", INPUT, 4_000, "a guest with next to nothing to do"),
    ] {
        let plain = engine(false, false);
        for (fuel, epochs, name) in [
            (true, false, "fuel"),
            (false, true, "epochs"),
            (true, true, "fuel and epochs"),
        ] {
            let comparison = calls(
                &Bare::with(engine(fuel, epochs), &guest(agent), fuel),
                &Bare::with(plain.clone(), &guest(agent), false),
                input,
                times,
            );
            let what = format!("{what}, with {name}");
            rows.push(Row::against(&what, "neither", comparison));
        }
    }
    rows
}

fn calls(with: &Bare, without: &Bare, input: &str, times: u32) -> Comparison {
    let run = |bare: &Bare| {
        for _ in 0..times {
            bare.call(input);
        }
    };
    compare(ROUNDS, times, || run(with), || run(without))
}

fn engine(fuel: bool, epochs: bool) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(fuel).epoch_interruption(epochs);
    Engine::new(&config).unwrap()
}
