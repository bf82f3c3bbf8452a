//! How an agent fails, and whether trying again can help.

use std::fmt;
use std::io;
use std::time::Duration;

/// Why an agent cannot give an outcome. The case tells the host what may
/// follow: only a transient failure is tried again.
///
/// ```
/// use std::time::Duration;
/// use ringfence_sdk::Failure;
///
/// let busy = Failure::transient("the service is busy").retry_after(Duration::from_secs(5));
/// assert_eq!(busy.to_string(), "the service is busy");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The agent does not take this input.
    InvalidInput(String),
    /// Trying again is no use.
    Permanent(String),
    /// Trying again may help.
    Transient {
        /// What happened.
        message: String,
        /// How long to wait before the next attempt, at least.
        retry_after: Option<Duration>,
    },
}

impl Failure {
    /// The agent does not take this input. Say which field, and what it
    /// should be.
    ///
    /// ```
    /// use ringfence_sdk::Failure;
    /// let failure = Failure::invalid_input("`input.depth` is 0; it has to be at least 1");
    /// assert!(matches!(failure, Failure::InvalidInput(_)));
    /// ```
    #[must_use]
    pub fn invalid_input(message: impl fmt::Display) -> Self {
        Self::InvalidInput(message.to_string())
    }

    /// Trying again is no use.
    ///
    /// ```
    /// use ringfence_sdk::Failure;
    /// let parsed = "x".parse::<u32>().map_err(Failure::permanent);
    /// assert!(matches!(parsed, Err(Failure::Permanent(_))));
    /// ```
    #[must_use]
    pub fn permanent(message: impl fmt::Display) -> Self {
        Self::Permanent(message.to_string())
    }

    /// Trying again may help.
    ///
    /// ```
    /// use ringfence_sdk::Failure;
    /// let failure = Failure::transient("the file is locked");
    /// assert!(matches!(failure, Failure::Transient { retry_after: None, .. }));
    /// ```
    #[must_use]
    pub fn transient(message: impl fmt::Display) -> Self {
        Self::Transient {
            message: message.to_string(),
            retry_after: None,
        }
    }

    /// The same, to be tried again after `wait` at the earliest. That makes it
    /// a transient failure whatever it was before.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ringfence_sdk::Failure;
    /// let failure = Failure::transient("busy").retry_after(Duration::from_millis(250));
    /// assert!(matches!(failure, Failure::Transient { retry_after: Some(_), .. }));
    /// ```
    #[must_use]
    pub fn retry_after(self, wait: Duration) -> Self {
        Self::Transient {
            message: self.into_message(),
            retry_after: Some(wait),
        }
    }

    /// What happened.
    ///
    /// ```
    /// assert_eq!(ringfence_sdk::Failure::permanent("no").message(), "no");
    /// ```
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::InvalidInput(message)
            | Self::Permanent(message)
            | Self::Transient { message, .. } => message,
        }
    }

    fn into_message(self) -> String {
        match self {
            Self::InvalidInput(message)
            | Self::Permanent(message)
            | Self::Transient { message, .. } => message,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.message())
    }
}

impl std::error::Error for Failure {}

/// What may pass by itself is transient, everything else permanent.
///
/// ```
/// use ringfence_sdk::Failure;
/// fn read() -> Result<String, Failure> {
///     Ok(std::fs::read_to_string("/no/such/file")?)
/// }
/// assert!(matches!(read(), Err(Failure::Permanent(_))));
/// ```
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind as K;
        match error.kind() {
            K::Interrupted
            | K::TimedOut
            | K::WouldBlock
            | K::ResourceBusy
            | K::ConnectionRefused
            | K::ConnectionReset
            | K::ConnectionAborted
            | K::NotConnected
            | K::BrokenPipe
            | K::HostUnreachable
            | K::NetworkUnreachable
            | K::NetworkDown => Self::transient(error),
            _ => Self::permanent(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_by_itself_is_transient() {
        for kind in [io::ErrorKind::TimedOut, io::ErrorKind::ConnectionReset] {
            assert!(matches!(
                Failure::from(io::Error::from(kind)),
                Failure::Transient { .. }
            ));
        }
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied] {
            assert!(matches!(
                Failure::from(io::Error::from(kind)),
                Failure::Permanent(_)
            ));
        }
    }

    #[test]
    fn asking_for_a_wait_makes_a_failure_transient() {
        let wait = Duration::from_secs(1);
        assert_eq!(
            Failure::permanent("x").retry_after(wait),
            Failure::Transient {
                message: "x".into(),
                retry_after: Some(wait)
            }
        );
    }
}
