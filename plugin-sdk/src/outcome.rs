//! What an agent answers.

use crate::{Artifact, Finding};

/// How a task ended that did not fail.
///
/// ```
/// use ringfence_sdk::{Finding, Outcome, Severity};
///
/// let approved: Outcome<&str> = Outcome::completed("approved");
/// let rejected: Outcome<&str> = Outcome::rejected("one finding is too bad")
///     .with_findings([Finding::new("secret", Severity::Critical, "a key is in the source")]);
/// assert_ne!(approved, rejected);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// The work is done.
    Completed {
        /// The agent's own output.
        value: T,
        /// What it found.
        findings: Vec<Finding>,
        /// The artifacts that it put and wants to show.
        artifacts: Vec<Artifact>,
    },
    /// A gate sends the work back.
    Rejected(Rejection),
}

/// What a gate has to say when it sends work back.
///
/// ```
/// use ringfence_sdk::{Outcome, Rejection};
/// let Outcome::Rejected(Rejection { reason, .. }) = Outcome::<()>::rejected("too slow") else {
///     unreachable!()
/// };
/// assert_eq!(reason, "too slow");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// One sentence for a person.
    pub reason: String,
    /// What is to be mended; the next round gets it as feedback.
    pub findings: Vec<Finding>,
}

impl<T> Outcome<T> {
    /// The work is done, and this came of it.
    ///
    /// ```
    /// use ringfence_sdk::Outcome;
    /// assert!(matches!(Outcome::completed(7), Outcome::Completed { value: 7, .. }));
    /// ```
    #[must_use]
    pub const fn completed(value: T) -> Self {
        Self::Completed {
            value,
            findings: Vec::new(),
            artifacts: Vec::new(),
        }
    }

    /// The work has to be done again, for this reason.
    ///
    /// ```
    /// use ringfence_sdk::Outcome;
    /// assert!(matches!(Outcome::<()>::rejected("no tests"), Outcome::Rejected(_)));
    /// ```
    #[must_use]
    pub fn rejected(reason: impl Into<String>) -> Self {
        Self::Rejected(Rejection {
            reason: reason.into(),
            findings: Vec::new(),
        })
    }

    /// The same with more findings.
    ///
    /// ```
    /// use ringfence_sdk::{Finding, Outcome, Severity};
    /// let outcome = Outcome::completed(())
    ///     .with_findings([Finding::new("todo", Severity::Info, "one is left")]);
    /// assert_eq!(outcome.findings().len(), 1);
    /// ```
    #[must_use]
    pub fn with_findings(mut self, more: impl IntoIterator<Item = Finding>) -> Self {
        match &mut self {
            Self::Completed { findings, .. } => findings.extend(more),
            Self::Rejected(rejection) => rejection.findings.extend(more),
        }
        self
    }

    /// The same with an artifact that was put before.
    ///
    /// # Panics
    /// On a rejection, which has no place for artifacts.
    ///
    /// ```
    /// # use ringfence_sdk::{Outcome, testing::TestHost};
    /// let patch = TestHost::new().put_artifact("fixes.patch", "text/x-diff", b"");
    /// let outcome = Outcome::completed(()).with_artifact(patch);
    /// assert_eq!(outcome.artifacts()[0].name, "fixes.patch");
    /// ```
    #[must_use]
    pub fn with_artifact(mut self, artifact: Artifact) -> Self {
        match &mut self {
            Self::Completed { artifacts, .. } => artifacts.push(artifact),
            Self::Rejected(_) => panic!(
                "a rejection carries no artifact, and `{}` was to be added",
                artifact.name
            ),
        }
        self
    }

    /// The findings, of either kind of outcome.
    ///
    /// ```
    /// assert!(ringfence_sdk::Outcome::completed(1).findings().is_empty());
    /// ```
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        match self {
            Self::Completed { findings, .. } => findings,
            Self::Rejected(rejection) => &rejection.findings,
        }
    }

    /// The artifacts; a rejection has none.
    ///
    /// ```
    /// assert!(ringfence_sdk::Outcome::<()>::rejected("no").artifacts().is_empty());
    /// ```
    #[must_use]
    pub fn artifacts(&self) -> &[Artifact] {
        match self {
            Self::Completed { artifacts, .. } => artifacts,
            Self::Rejected(_) => &[],
        }
    }

    /// The value, unless it is a rejection.
    ///
    /// ```
    /// assert_eq!(ringfence_sdk::Outcome::completed(1).value(), Some(&1));
    /// ```
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Completed { value, .. } => Some(value),
            Self::Rejected(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestHost;

    #[test]
    #[should_panic(expected = "a rejection carries no artifact, and `a.txt` was to be added")]
    fn a_rejection_takes_no_artifact() {
        let artifact = TestHost::new().put_artifact("a.txt", "text/plain", b"a");
        let _ = Outcome::<()>::rejected("no").with_artifact(artifact);
    }
}
