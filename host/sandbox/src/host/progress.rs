//! `ringfence:agent/progress`.
//!
//! Each report is an event of the run, so an attempt may make as many of them
//! as its budget of log lines allows log lines (they are counted apart). What
//! it reports beyond that is dropped: it costs a host call and its fuel like
//! any other, and nobody sees it. The attempt goes on.

use ringfence_flow::Progress;

use crate::bindings::ringfence::agent::progress::{Activity, Host};
use crate::guest_log::one_line;
use crate::state::AttemptState;

/// The longest note, in bytes: it is shown on one line of a screen.
const MAX_NOTE: usize = 256;

impl Host for AttemptState {
    fn report(
        &mut self,
        activity: Activity,
        fraction: Option<f32>,
        note: String,
    ) -> wasmtime::Result<()> {
        self.meter.copy(note.len());
        if !self.meter.progress() {
            return Ok(());
        }
        self.observer.progress(Progress {
            activity: match activity {
                Activity::Thinking => ringfence_flow::Activity::Thinking,
                Activity::Working => ringfence_flow::Activity::Working,
                Activity::Waiting => ringfence_flow::Activity::Waiting,
            },
            fraction: fraction.and_then(sane_fraction),
            note: one_line(&note, MAX_NOTE).into(),
        });
        Ok(())
    }
}

/// `fraction` between 0 and 1; nothing if it is no number.
fn sane_fraction(fraction: f32) -> Option<f32> {
    (!fraction.is_nan()).then(|| fraction.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_between_0_and_1() {
        assert_eq!(sane_fraction(0.25), Some(0.25));
        assert_eq!(sane_fraction(-1.0), Some(0.0));
        assert_eq!(sane_fraction(f32::INFINITY), Some(1.0));
        assert_eq!(sane_fraction(f32::NAN), None);
    }
}
