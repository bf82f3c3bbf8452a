//! What fuel and epochs cost the guest's own work: the bare loop with and without
//! them.

use wasmtime::{Config, Engine};

use crate::bare::Bare;
use crate::result::Row;
use crate::rig::{INPUT, guest};
use crate::stats::{Comparison, compare};

const AGENT: &str = "echo";
const ROUNDS: usize = 9;

pub(crate) fn measure() -> Vec<Row> {
    let mut rows = Vec::new();
    let numbers: Vec<_> = (0..50_000).collect();
    let long = serde_json::to_string(&numbers).unwrap();
    for (input, times, what) in [
        (
            long.as_str(),
            8,
            "a guest that reads and writes 290 KB of JSON",
        ),
        (INPUT, 4_000, "a guest with next to nothing to do"),
    ] {
        let plain = engine(false, false);
        for (fuel, epochs, name) in [
            (true, false, "fuel"),
            (false, true, "epochs"),
            (true, true, "fuel and epochs"),
        ] {
            let comparison = calls(
                &Bare::with(engine(fuel, epochs), &guest(AGENT), fuel),
                &Bare::with(plain.clone(), &guest(AGENT), false),
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
