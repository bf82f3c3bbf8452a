//! What the exit code of the command says.

use ringfence::flow::{FailureCode, RunStatus};

/// The exit codes. They are part of the command's interface: scripts rely on
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExitCode {
    /// All went well; of a run: it completed.
    Completed = 0,
    /// The run failed, or a build or a case of a project.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// A gate rejected, and no round was left.
    Rejected = 3,
    /// A workflow, a configuration or a plugin is not valid.
    Invalid = 4,
    /// No loaded agent can take a task.
    NoCapableAgent = 5,
    /// A file could not be read or written.
    Disk = 6,
    /// The user cancelled the run.
    Cancelled = 130,
}

impl ExitCode {
    /// The code of a run that ended so.
    pub(crate) fn of_run(status: RunStatus, failure: Option<FailureCode>) -> Self {
        match (status, failure) {
            (RunStatus::Completed, _) => Self::Completed,
            (RunStatus::Rejected, _) => Self::Rejected,
            (RunStatus::Cancelled, _) => Self::Cancelled,
            (RunStatus::Failed, Some(FailureCode::NoCapableAgent)) => Self::NoCapableAgent,
            (RunStatus::Failed, _) => Self::Failed,
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_of_a_run_has_its_code() {
        let code = |status, failure| ExitCode::of_run(status, failure) as u8;
        assert_eq!(code(RunStatus::Completed, None), 0);
        assert_eq!(code(RunStatus::Failed, Some(FailureCode::Trap)), 1);
        assert_eq!(code(RunStatus::Failed, Some(FailureCode::Deadline)), 1);
        assert_eq!(
            code(RunStatus::Rejected, Some(FailureCode::GateRejected)),
            3
        );
        assert_eq!(
            code(RunStatus::Failed, Some(FailureCode::NoCapableAgent)),
            5
        );
        assert_eq!(
            code(RunStatus::Cancelled, Some(FailureCode::Cancelled)),
            130
        );
    }
}
