//! Stays in one host call for as long as it can.

use ringfence_sdk::prelude::*;

struct StallInHost;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Call {
    /// Waits for what never comes.
    Poll,
    /// Waits for the same thing many times at once.
    PollMany,
    /// Writes zeroes that it does not have to hold.
    WriteZeroes,
    /// Has the host copy from a stream to another.
    Splice,
    /// Reads as much as there may be.
    Read,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    call: Call,
}

impl Agent for StallInHost {
    type Input = Input;
    type Output = String;

    fn describe() -> Description {
        Description::new(
            "stall-in-host",
            env!("CARGO_PKG_VERSION"),
            "stays in one host call for as long as it can",
        )
        .role("test")
        .role("stall-in-host")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<String>, Failure> {
        Ok(Outcome::completed(stall(input.call)))
    }
}

#[cfg(target_family = "wasm")]
fn stall(call: Call) -> String {
    use wasip2::cli::{stderr, stdin};
    use wasip2::clocks::monotonic_clock::subscribe_duration;
    use wasip2::io::poll::poll;

    match call {
        Call::Poll => {
            let never = subscribe_duration(u64::MAX);
            never.block();
            "it came".to_owned()
        }
        Call::PollMany => {
            let never = subscribe_duration(u64::MAX);
            let many = vec![&never; 1_000_000];
            format!("{:?}", poll(&many).len())
        }
        Call::WriteZeroes => {
            let mut written = 0;
            let to = stderr::get_stderr();
            loop {
                match to.blocking_write_zeroes_and_flush(4096) {
                    Ok(()) => written += 4096_u64,
                    Err(error) => return format!("{written} bytes, then {error:?}"),
                }
            }
        }
        Call::Splice => {
            let (from, to) = (stdin::get_stdin(), stderr::get_stderr());
            format!("{:?}", to.blocking_splice(&from, u64::MAX))
        }
        Call::Read => format!("{:?}", stdin::get_stdin().blocking_read(u64::MAX)),
    }
}

#[cfg(not(target_family = "wasm"))]
fn stall(_: Call) -> String {
    "only in the sandbox".to_owned()
}

ringfence_sdk::register!(StallInHost);
