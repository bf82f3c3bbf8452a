//! What came of an agent's work in a test.

use super::{LogLine, Progress, StoredArtifact};
use crate::{Failure, Outcome, Rejection};

/// What came of an agent's work, and what was recorded on the way.
///
/// ```
/// # use ringfence_sdk::{prelude::*, testing::TestHost};
/// # struct Gate;
/// # impl Agent for Gate {
/// #     type Input = u32;
/// #     type Output = ();
/// #     fn describe() -> Description { Description::new("gate", "1.0.0", "").role("gate") }
/// #     fn execute(errors: u32, _: &Context) -> Result<Outcome<()>, Failure> {
/// #         if errors > 0 { Ok(Outcome::rejected("there are errors")) } else { Ok(Outcome::completed(())) }
/// #     }
/// # }
/// TestHost::new().input(0.into()).execute::<Gate>().completed();
/// let run = TestHost::new().input(2.into()).execute::<Gate>();
/// assert_eq!(run.rejected().reason, "there are errors");
/// ```
#[derive(Debug)]
pub struct TestRun<T> {
    /// The outcome or the failure.
    pub outcome: Result<Outcome<T>, Failure>,
    /// The log lines that were written.
    pub logs: Vec<LogLine>,
    /// The progress that was reported.
    pub progress: Vec<Progress>,
    /// The artifacts in the store, those that the test put there first.
    pub artifacts: Vec<StoredArtifact>,
}

impl<T> TestRun<T> {
    /// The value of a completed task.
    ///
    /// # Panics
    /// If the task did not complete; the message says what happened instead.
    ///
    /// ```
    /// # use ringfence_sdk::{prelude::*, testing::TestHost};
    /// # struct One;
    /// # impl Agent for One {
    /// #     type Input = ();
    /// #     type Output = u8;
    /// #     fn describe() -> Description { Description::new("one", "1.0.0", "").role("x") }
    /// #     fn execute(_: (), _: &Context) -> Result<Outcome<u8>, Failure> { Ok(Outcome::completed(1)) }
    /// # }
    /// assert_eq!(TestHost::new().execute::<One>().completed(), &1);
    /// ```
    #[track_caller]
    pub fn completed(&self) -> &T {
        match &self.outcome {
            Ok(Outcome::Completed { value, .. }) => value,
            Ok(Outcome::Rejected(rejection)) => panic!("rejected: {}", rejection.reason),
            Err(failure) => panic!("failed: {failure:?}"),
        }
    }

    /// The rejection of a gate.
    ///
    /// # Panics
    /// If the task did not end in a rejection.
    ///
    /// ```
    /// # use ringfence_sdk::{prelude::*, testing::TestHost};
    /// # struct No;
    /// # impl Agent for No {
    /// #     type Input = ();
    /// #     type Output = ();
    /// #     fn describe() -> Description { Description::new("no", "1.0.0", "").role("x") }
    /// #     fn execute(_: (), _: &Context) -> Result<Outcome<()>, Failure> { Ok(Outcome::rejected("no")) }
    /// # }
    /// assert_eq!(TestHost::new().execute::<No>().rejected().reason, "no");
    /// ```
    #[track_caller]
    pub fn rejected(&self) -> &Rejection {
        match &self.outcome {
            Ok(Outcome::Rejected(rejection)) => rejection,
            Ok(Outcome::Completed { .. }) => panic!("completed"),
            Err(failure) => panic!("failed: {failure:?}"),
        }
    }

    /// The failure.
    ///
    /// # Panics
    /// If the task did not fail.
    ///
    /// ```
    /// # use ringfence_sdk::{prelude::*, testing::TestHost};
    /// # struct Broken;
    /// # impl Agent for Broken {
    /// #     type Input = ();
    /// #     type Output = ();
    /// #     fn describe() -> Description { Description::new("broken", "1.0.0", "").role("x") }
    /// #     fn execute(_: (), _: &Context) -> Result<Outcome<()>, Failure> { Err(Failure::permanent("no")) }
    /// # }
    /// assert_eq!(TestHost::new().execute::<Broken>().failed().message(), "no");
    /// ```
    #[track_caller]
    pub fn failed(&self) -> &Failure {
        match &self.outcome {
            Err(failure) => failure,
            Ok(Outcome::Completed { .. }) => panic!("completed"),
            Ok(Outcome::Rejected(rejection)) => panic!("rejected: {}", rejection.reason),
        }
    }
}
