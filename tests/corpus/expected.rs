//! What is expected of each guest.

use std::time::Duration;

use ringfence_flow::{Budgets, ByteSize, FailureCode, Fuel};
use serde_json::{Value, json};

use super::Guest;

/// What comes of a guest.
#[derive(Clone, Debug)]
pub enum Expected {
    /// It is not loaded, for this reason.
    Refused(&'static str),
    /// It is loaded, and attempts end like this.
    Attempts(Vec<Attempted>),
}

/// One attempt and how it ends.
#[derive(Clone, Debug)]
pub struct Attempted {
    /// The task's input.
    pub input: Value,
    /// What it may use.
    pub budgets: Budgets,
    /// How it ends.
    pub ends: Ends,
    /// What its failure or its log says somewhere; empty if it need not.
    pub says: &'static str,
    /// How many lines it leaves in the log.
    pub logs: usize,
    /// What the audit says that it reached for and did not get, in its order.
    pub denied: &'static [&'static str],
}

impl Attempted {
    /// The same, which leaves so many lines in the log.
    fn logs(self, logs: usize) -> Self {
        Self { logs, ..self }
    }

    /// The same, which reached for what it did not get.
    fn denied(self, denied: &'static [&'static str]) -> Self {
        Self { denied, ..self }
    }
}

/// How an attempt ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// With an output.
    Completed,
    /// With a rejection.
    Rejected,
    /// With this failure.
    Failed(FailureCode),
}

/// The lines that a panic writes: an empty one, where, what, and a note.
const PANIC: usize = 4;

/// Budgets that hostile guests spend soon.
pub fn few() -> Budgets {
    Budgets {
        fuel: Fuel::units(20_000_000),
        ..Budgets::default()
    }
}

/// A moment, for guests that would wait for ever.
fn brief() -> Budgets {
    Budgets {
        time: Duration::from_millis(20),
        ..Budgets::default()
    }
}

/// Room for guests that hand over giant things.
fn roomy() -> Budgets {
    Budgets {
        memory: ByteSize::mib(32),
        ..Budgets::default()
    }
}

fn attempt(input: Value, ends: Ends, says: &'static str) -> Attempted {
    Attempted {
        input,
        budgets: few(),
        ends,
        says,
        logs: 0,
        denied: &[],
    }
}

fn fails(input: Value, code: FailureCode, says: &'static str) -> Attempted {
    attempt(input, Ends::Failed(code), says)
}

fn completes(input: Value) -> Attempted {
    attempt(input, Ends::Completed, "")
}

fn within(budgets: Budgets, attempted: Attempted) -> Attempted {
    Attempted {
        budgets,
        ..attempted
    }
}

/// What is expected of `guest`. One that has nothing here does not compile.
#[allow(
    clippy::too_many_lines,
    reason = "one line after the other, as many as there are guests"
)]
pub fn expected(guest: Guest) -> Expected {
    use Expected::{Attempts, Refused};
    use FailureCode::{
        InvalidInput, InvalidOutput, OutOfFuel, OutOfMemory, OutputTooLarge, Permanent, TimedOut,
        TooManyHostCalls, Transient, Trap,
    };
    match guest {
        Guest::BadOutput => Attempts(vec![
            fails(json!("broken"), InvalidOutput, "not a JSON document"),
            fails(json!("empty"), InvalidOutput, "not a JSON document"),
            fails(json!("deep"), InvalidOutput, "deeper than 100 levels"),
            fails(json!("not-utf-8"), InvalidOutput, "cannot be read"),
            fails(json!("line-zero"), InvalidOutput, "../../etc/passwd"),
            fails(json!("forged-artifact"), InvalidOutput, "neither put"),
            fails(json!("bad-hash"), InvalidOutput, "artifact 1 has a"),
        ]),
        Guest::BurnFuel => Attempts(vec![
            completes(json!({"units": 1_000_000})),
            fails(json!({"units": 20_000_000}), OutOfFuel, "20M units"),
        ]),
        Guest::CallHost => Attempts(vec![fails(
            json!({"times": 10_001}),
            TooManyHostCalls,
            "more than 10000 times",
        )]),
        Guest::CatCommand => Attempts(vec![attempt(json!(1), Ends::Completed, "read ").logs(1)]),
        Guest::Churn => Attempts(vec![completes(
            json!({"steps": 2_000, "largest": 500, "texts": ["a", "bc"]}),
        )]),
        Guest::Count => Attempts(vec![fails(
            json!({"work": 10, "number": 1}),
            Permanent,
            "No such file",
        )]),
        Guest::DescribeBadSchema
        | Guest::DescribeEmpty
        | Guest::DescribeLongName
        | Guest::DescribeManyRoles
        | Guest::DescribeNoRole => Refused("invalid-description"),
        Guest::DescribeGiant | Guest::DescribeSpin | Guest::DescribeTrap | Guest::StartTrap => {
            Refused("describe-failed")
        }
        Guest::DropTrap => Attempts(vec![fails(json!(1), Trap, "on its way out").logs(PANIC)]),
        Guest::Echo => Attempts(vec![completes(json!({"n": [1, "two"]}))]),
        Guest::EscapeMount => Attempts(vec![completes(json!({"mount": "a", "other": "b"}))]),
        Guest::ExitCommand => Attempts(vec![
            completes(json!({"code": 0})).logs(1),
            attempt(json!({"code": 3}), Ends::Rejected, "").logs(1),
            fails(json!({"code": 70}), Permanent, "ending with 70").logs(1),
            fails(json!({"code": 255}), Transient, "ending with 255").logs(1),
        ]),
        Guest::Fail => Attempts(vec![
            fails(json!({"kind": "invalid-input"}), InvalidInput, ""),
            fails(json!({"kind": "permanent"}), Permanent, ""),
            fails(json!({"kind": "transient"}), Transient, ""),
        ]),
        Guest::FloodLog => Attempts(vec![
            attempt(
                json!({"lines": 3, "text": "fine\nERROR forged\u{1b}[2K\u{202e}"}),
                Ends::Completed,
                r"fine\nERROR forged\u{1b}[2K\u{202e}",
            )
            .logs(3),
            // The rest is dropped and counted.
            completes(json!({"lines": 1_200, "bytes": 10})).logs(1_000),
        ]),
        Guest::GiantStrings => Attempts(giant_strings()),
        Guest::HoldMemory => Attempts(vec![within(
            roomy(),
            fails(json!({"mib": 40}), OutOfMemory, "32 MiB of memory").logs(2),
        )]),
        Guest::Nan => Attempts(vec![completes(json!(null))]),
        Guest::Remember => Attempts(vec![Attempted {
            budgets: Budgets::default(),
            ..completes(json!(null))
        }]),
        Guest::OpenMany => Attempts(vec![fails(
            json!({"count": 300}),
            TooManyHostCalls,
            "more than 256 resources",
        )]),
        Guest::OtherVersion => Refused("other-contract-version"),
        Guest::OtherWorld => Refused("other-world"),
        Guest::Picky => Attempts(vec![
            completes(json!({"answer": "trap"})),
            completes(json!({"answer": "spin"})),
        ]),
        Guest::PrintEndless => Attempts(vec![fails(
            json!(1),
            OutputTooLarge,
            "output of more than 1 MiB",
        )]),
        Guest::PutArtifacts => Attempts(vec![within(
            Budgets {
                artifacts: ByteSize::kib(10),
                ..few()
            },
            fails(
                json!({"count": 11, "bytes": 1024}),
                OutputTooLarge,
                "more than 10 KiB",
            ),
        )]),
        Guest::RandomGiant => Attempts(vec![fails(
            json!({"bytes": 1_u64 << 32}),
            Trap,
            "4294967296 random bytes at once",
        )]),
        Guest::Needy => Attempts(vec![completes(json!({}))]),
        Guest::ReadEnv => Attempts(vec![completes(json!({})).denied(&[
            "network dns",
            "network tcp",
            "network udp",
        ])]),
        Guest::Recurse => Attempts(vec![fails(json!({}), Trap, "call stack is exhausted")]),
        Guest::Scripted => Attempts(vec![completes(json!([]))]),
        Guest::Reject => Attempts(vec![attempt(json!({}), Ends::Rejected, "")]),
        Guest::SleepLong => Attempts(vec![within(brief(), fails(json!({}), TimedOut, "20 ms"))]),
        Guest::Spin => Attempts(vec![
            fails(json!(null), OutOfFuel, "20M units"),
            within(brief(), fails(json!(null), TimedOut, "20 ms")),
        ]),
        Guest::StallInHost => Attempts(stall_in_host()),
        Guest::TableBomb => Refused("invalid-component"),
        Guest::Trap => Attempts(vec![
            fails(
                json!({"kind": "panic", "message": "the \u{1b}[31msky\u{202e} fell"}),
                Trap,
                r"the \u{1b}[31msky\u{202e} fell",
            )
            .logs(PANIC),
            fails(json!({"kind": "unreachable"}), Trap, "it gave up"),
            fails(json!({"kind": "abort"}), Trap, "it gave up"),
            fails(json!({"kind": "exit"}), Trap, "called `exit` with 1"),
            fails(json!({"kind": "out-of-bounds"}), Trap, "out of bounds"),
            fails(json!({"kind": "unwrap"}), Trap, "on a `None` value").logs(PANIC),
            fails(json!({"kind": "panik"}), InvalidInput, "`input.kind`"),
        ]),
        Guest::OneOfMany => Attempts(vec![completes(json!(7))]),
        Guest::TwinA | Guest::TwinB => Attempts(vec![completes(json!(1))]),
        Guest::WriteOutput => Attempts(vec![
            within(
                Budgets::default(),
                fails(json!({"bytes": 1 << 20}), OutputTooLarge, "more than 1 MiB"),
            ),
            fails(
                json!({"bytes": 1 << 20, "in_findings": true}),
                OutputTooLarge,
                "more than 1 MiB",
            ),
        ]),
    }
}

fn giant_strings() -> Vec<Attempted> {
    use FailureCode::{InvalidOutput, OutputTooLarge, Permanent};
    const BYTES: usize = 4 << 20;
    let giant = |place: &str| json!({"where": place, "bytes": BYTES});
    [
        completes(giant("log")).logs(1),
        completes(giant("log-fields")).logs(1),
        completes(giant("note")),
        // It quotes the name in its failure.
        fails(giant("artifact-name"), OutputTooLarge, ""),
        fails(giant("media-type"), Permanent, ""),
        fails(giant("failure"), OutputTooLarge, ""),
        fails(giant("reason"), OutputTooLarge, ""),
        fails(giant("rule"), OutputTooLarge, ""),
        fails(giant("finding-path"), OutputTooLarge, ""),
        fails(giant("many-findings"), OutputTooLarge, ""),
        fails(
            json!({"where": "rule", "bytes": 10_000}),
            InvalidOutput,
            "finding 1",
        ),
    ]
    .map(|attempted| within(Budgets::default(), attempted))
    .into()
}

fn stall_in_host() -> Vec<Attempted> {
    use FailureCode::{OutOfFuel, TimedOut, Trap};
    let zeroes = fails(json!({"call": "write-zeroes"}), OutOfFuel, "").logs(1);
    let many = fails(json!({"call": "poll-many"}), Trap, "handle limit");
    vec![
        within(brief(), fails(json!({"call": "poll"}), TimedOut, "20 ms")),
        // These end by themselves; a short time would be a race with whatever else runs.
        completes(json!({"call": "splice"})),
        completes(json!({"call": "read"})),
        zeroes,
        many,
    ]
}
