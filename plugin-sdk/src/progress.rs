//! How far an attempt has come.

use serde::{Deserialize, Serialize};

/// What an agent says it is doing. The host gives new tasks to the least busy
/// agent, and one that waits counts half.
///
/// ```
/// use ringfence_sdk::{Activity, testing::TestHost};
/// let host = TestHost::new();
/// host.context().progress(Activity::Waiting, None, "for the model");
/// assert_eq!(host.progress()[0].activity, Activity::Waiting);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activity {
    /// Deciding what to do.
    Thinking,
    /// Doing it.
    #[default]
    Working,
    /// Waiting for somebody else.
    Waiting,
}
