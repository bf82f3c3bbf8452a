//! What is asked and answered.

use ringfence::flow::AgentName;
use serde::{Deserialize, Serialize};

use super::Status;

/// The version of the protocol. Another one is refused.
pub(super) const VERSION: u32 = 1;

/// The longest line that is read, in bytes.
pub(super) const MAX_LINE: u64 = 64 * 1024;

/// What is asked of a live run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub(crate) enum Ask {
    /// How it is going.
    Status,
    /// To stop.
    Cancel,
    /// To let an agent work again that was set aside.
    Release {
        /// The agent.
        agent: AgentName,
    },
    /// To take a person's decision.
    Decide {
        /// On which task, for example `build[2]/release`.
        task: String,
        /// Yes or no.
        approved: bool,
        /// What they have to say of it.
        note: Option<String>,
        /// Who they are.
        by: String,
    },
}

/// A line to a live run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) ringfence: u32,
    #[serde(flatten)]
    pub(super) ask: Ask,
}

/// What a live run answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// How it is going.
    Status(Box<Status>),
    /// It will be done, or is.
    Done,
    /// It will not, and why.
    Refused {
        /// For a person.
        message: String,
    },
}

/// Reads what somebody asks.
pub(super) fn read(line: &[u8]) -> Result<Ask, String> {
    let request: Request =
        serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}"))?;
    match request.ringfence {
        VERSION => Ok(request.ask),
        other => Err(format!(
            "this run speaks version {VERSION} of the protocol, not {other}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_understood() {
        assert_eq!(read(br#"{"ringfence":1,"ask":"status"}"#), Ok(Ask::Status));
        let decide =
            br#"{"ringfence":1,"ask":"decide","task":"a","approved":true,"note":null,"by":"ada"}"#;
        assert!(matches!(
            read(decide),
            Ok(Ask::Decide { approved: true, .. })
        ));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let refused = |line: &[u8]| read(line).unwrap_err();
        assert!(refused(b"").starts_with("this is no request"));
        assert!(refused(b"\xff\xfe").starts_with("this is no request"));
        assert!(refused(br#"{"ringfence":1,"ask":"format-disk"}"#).contains("unknown variant"));
        assert_eq!(
            refused(br#"{"ringfence":2,"ask":"status"}"#),
            "this run speaks version 1 of the protocol, not 2"
        );
    }
}
