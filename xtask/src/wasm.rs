//! Which way to build for the sandbox's target.
//!
//! Three ways are tried in this order, without asking; `RINGFENCE_WASM_TOOLCHAIN`
//! forces one:
//!
//! 1. `installed`: the toolchain already has the target;
//! 2. `rustup`: `rustup target add` brings it;
//! 3. `debian`: Debian's own compiler builds the standard library from its
//!    source package, and the toolchain's linkers link.

mod debian;
mod machine;
mod toolchain;

use std::env;
use std::fmt;

pub(crate) use toolchain::Toolchain;

use crate::project::Project;
use machine::ThisMachine;

/// The target that components are built for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// The environment variable that forces one way.
const VARIABLE: &str = "RINGFENCE_WASM_TOOLCHAIN";

/// A way to build for [`TARGET`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Installed,
    Rustup,
    Debian,
}

impl Way {
    /// All ways, the quickest first.
    const ALL: [Self; 3] = [Self::Installed, Self::Rustup, Self::Debian];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Rustup => "rustup",
            Self::Debian => "debian",
        }
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Why nothing can be built for [`TARGET`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoWay {
    /// Each way was tried and refused.
    #[error(
        "found no way to build for {TARGET}\n{}hint: run `rustup target add {TARGET}`, or as root on Debian `apt-get install {}`, and try again",
        Tried(.0), debian::PACKAGES.join(" ")
    )]
    AllRefused(Vec<Refusal>),
    /// The variable names no way.
    #[error(
        "{VARIABLE} is `{0}`, which is no way to build for {TARGET}\nhint: set it to installed, rustup or debian, or unset it"
    )]
    Unknown(String),
}

/// A way, and why it is none here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    way: Way,
    reason: String,
}

struct Tried<'a>(&'a [Refusal]);

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|refusal| writeln!(f, "  {:<9} {}", refusal.way, refusal.reason))
    }
}

/// Makes a way ready, or says in a few words why it cannot.
trait Machine {
    /// Whether the toolchain has the target.
    fn is_installed(&self) -> Result<(), String>;
    /// Lets rustup add the target.
    fn add_with_rustup(&self) -> Result<(), String>;
    /// Sees to it that Debian's compiler and sources are there.
    fn prepare_debian(&self) -> Result<(), String>;
}

/// Finds a way on this machine and makes it ready.
///
/// # Errors
/// [`NoWay`] says what was tried and what to type.
pub(crate) fn find(project: &Project) -> Result<Toolchain, NoWay> {
    let forced = match env::var(VARIABLE) {
        Ok(name) if !name.is_empty() => Some(parse(&name)?),
        _ => None,
    };
    let machine = ThisMachine::new(project);
    let way = choose(forced, &machine)?;
    println!("building for {TARGET}: {way} toolchain");
    Ok(match way {
        Way::Installed | Way::Rustup => Toolchain::pinned(machine.sysroot()),
        Way::Debian => Toolchain::debian(machine.sysroot()),
    })
}

fn parse(name: &str) -> Result<Way, NoWay> {
    Way::ALL
        .into_iter()
        .find(|way| way.as_str() == name)
        .ok_or_else(|| NoWay::Unknown(name.to_owned()))
}

/// The first way that the machine can be made ready for, of all or of the
/// forced one.
fn choose(forced: Option<Way>, machine: &impl Machine) -> Result<Way, NoWay> {
    let mut refusals = Vec::new();
    for way in Way::ALL {
        if forced.is_some_and(|forced| forced != way) {
            continue;
        }
        let ready = match way {
            Way::Installed => machine.is_installed(),
            Way::Rustup => machine.add_with_rustup(),
            Way::Debian => machine.prepare_debian(),
        };
        match ready {
            Ok(()) => return Ok(way),
            Err(reason) => refusals.push(Refusal { way, reason }),
        }
    }
    Err(NoWay::AllRefused(refusals))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// A machine on which only `works` does; it remembers what was tried.
    struct FakeMachine {
        works: &'static [Way],
        tried: RefCell<Vec<Way>>,
    }

    impl FakeMachine {
        fn new(works: &'static [Way]) -> Self {
            Self {
                works,
                tried: RefCell::default(),
            }
        }

        fn answer(&self, way: Way) -> Result<(), String> {
            self.tried.borrow_mut().push(way);
            if self.works.contains(&way) {
                Ok(())
            } else {
                Err(format!("no {way} here"))
            }
        }
    }

    impl Machine for FakeMachine {
        fn is_installed(&self) -> Result<(), String> {
            self.answer(Way::Installed)
        }

        fn add_with_rustup(&self) -> Result<(), String> {
            self.answer(Way::Rustup)
        }

        fn prepare_debian(&self) -> Result<(), String> {
            self.answer(Way::Debian)
        }
    }

    #[test]
    fn the_quickest_way_that_works_is_taken_and_no_other_is_tried() {
        use Way::{Debian, Installed, Rustup};
        type Ways = &'static [Way];
        let table: [(Ways, Way, Ways); 4] = [
            (&[Installed, Rustup, Debian], Installed, &[Installed]),
            (&[Rustup, Debian], Rustup, &[Installed, Rustup]),
            (&[Debian], Debian, &[Installed, Rustup, Debian]),
            (&[Installed, Debian], Installed, &[Installed]),
        ];
        for (works, taken, tried) in table {
            let machine = FakeMachine::new(works);
            assert_eq!(choose(None, &machine).unwrap(), taken, "{works:?}");
            assert_eq!(*machine.tried.borrow(), tried, "{works:?}");
        }
    }

    #[test]
    fn a_forced_way_is_the_only_one_tried() {
        for forced in Way::ALL {
            let machine = FakeMachine::new(&Way::ALL);
            assert_eq!(choose(Some(forced), &machine).unwrap(), forced);
            assert_eq!(*machine.tried.borrow(), [forced]);

            let machine = FakeMachine::new(&[]);
            let Err(NoWay::AllRefused(refusals)) = choose(Some(forced), &machine) else {
                panic!("{forced} does not work here")
            };
            assert_eq!(refusals.len(), 1);
            assert_eq!(*machine.tried.borrow(), [forced]);
        }
    }

    #[test]
    fn where_nothing_works_the_message_says_what_was_tried_and_what_to_type() {
        let error = choose(None, &FakeMachine::new(&[])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "found no way to build for wasm32-wasip2\n\
             \x20 installed no installed here\n\
             \x20 rustup    no rustup here\n\
             \x20 debian    no debian here\n\
             hint: run `rustup target add wasm32-wasip2`, or as root on Debian \
             `apt-get install rustc-web cargo-web rust-web-src wasi-libc`, and try again"
        );
    }

    #[test]
    fn the_variable_takes_the_name_of_a_way() {
        for way in Way::ALL {
            assert_eq!(parse(way.as_str()).unwrap(), way);
        }
        assert_eq!(
            parse("nix").unwrap_err().to_string(),
            "RINGFENCE_WASM_TOOLCHAIN is `nix`, which is no way to build for wasm32-wasip2\n\
             hint: set it to installed, rustup or debian, or unset it"
        );
    }
}
