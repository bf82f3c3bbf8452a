//! What a person sees of a series of steps.

use std::fmt;
use std::time::{Duration, Instant};

use crate::counts::Counts;
use crate::error::Error;

/// How a step ended that did not fail.
#[derive(Debug)]
pub(crate) enum Done {
    /// Everything is in order.
    Passed,
    /// The step could not be made here, for this reason.
    Skipped(String),
}

/// Runs steps one after the other and says how each went.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) counts: Counts,
    steps: u32,
}

impl Report {
    /// Runs a step and prints its name and how long it took.
    ///
    /// # Errors
    /// [`Error::Step`] when it fails; why was printed then.
    #[allow(
        clippy::disallowed_methods,
        reason = "a developer's tool has no clock to inject"
    )]
    pub(crate) fn step(
        &mut self,
        name: &'static str,
        work: impl FnOnce(&mut Counts) -> Result<Done, Error>,
    ) -> Result<(), Error> {
        println!("==> {name}");
        let began = Instant::now();
        let result = work(&mut self.counts);
        let took = Seconds(began.elapsed());
        self.steps += 1;
        match result {
            Ok(Done::Passed) => println!("    {name}: ok in {took}"),
            Ok(Done::Skipped(reason)) => println!("    {name}: skipped, {reason}"),
            Err(error) => {
                println!("    {name}: FAILED in {took}");
                eprintln!("{error}");
                return Err(Error::Step(name));
            }
        }
        Ok(())
    }

    /// Prints the sum of all tests, alone on a line.
    pub(crate) fn summary(&self) {
        println!();
        println!("{} steps", self.steps);
        println!(
            "{} passed, {} failed",
            self.counts.passed, self.counts.failed
        );
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named() {
        let mut report = Report::default();
        report.step("first", |_| Ok(Done::Passed)).unwrap();
        let error = report
            .step("second", |counts| {
                counts.failed += 1;
                Err(Error::Step("inner"))
            })
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "step `second` failed; what it said is above"
        );
        assert_eq!((report.steps, report.counts.failed), (2, 1));
    }
}
