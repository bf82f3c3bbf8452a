//! Traps in the way that its input names.

use ringfence_sdk::prelude::*;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Unreachable,
    Panic,
    Abort,
    Exit,
    OutOfBounds,
    Unwrap,
}

fn unreachable_instruction() -> ! {
    #[cfg(target_family = "wasm")]
    std::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    std::process::abort()
}

struct Trap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    kind: Kind,
    #[serde(default)]
    message: String,
}

impl Agent for Trap {
    type Input = Input;
    type Output = u32;

    fn describe() -> Description {
        Description::new(
            "trap",
            env!("CARGO_PKG_VERSION"),
            "traps in the way that its input names",
        )
        .role("test")
        .role("trap")
    }

    fn execute(input: Input, _: &Context) -> Result<Outcome<u32>, Failure> {
        match input.kind {
            Kind::Unreachable => unreachable_instruction(),
            Kind::Panic => panic!("{}", input.message),
            Kind::Abort => std::process::abort(),
            Kind::Exit => std::process::exit(1),
            Kind::Unwrap => {
                let number: Option<u32> = input.message.parse().ok();
                Ok(Outcome::completed(number.unwrap()))
            }
            Kind::OutOfBounds => {
                // SAFETY: none. The read is meant to trap; no page is mapped
                // so far up.
                Ok(Outcome::completed(unsafe {
                    std::ptr::read_volatile(std::ptr::without_provenance(0xffff_fff0))
                }))
            }
        }
    }
}

ringfence_sdk::register!(Trap);
