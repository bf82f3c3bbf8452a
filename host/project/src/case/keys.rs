//! The keys of case files: the one list that the reader and the schema are held
//! to.

use ringfence_flow::document::Keys;

pub(super) const CASE: Keys = Keys {
    what: "a case",
    known: &["name", "task", "expect", "uses"],
    later: &["skip", "only", "model"],
};

pub(super) const TASK: Keys = Keys {
    what: "a task",
    known: &[
        "id",
        "role",
        "priority",
        "attempt",
        "round",
        "input",
        "needs",
        "feedback",
        "mounts",
        "artifacts",
        "timeout",
    ],
    later: &["budget", "model"],
};

pub(super) const NEED: Keys = Keys {
    what: "a need",
    known: &["task", "value", "findings", "artifacts"],
    later: &[],
};

pub(super) const FINDING: Keys = Keys {
    what: "a finding",
    known: &["rule", "severity", "message", "location", "fix"],
    later: &[],
};

pub(super) const LOCATION: Keys = Keys {
    what: "a location",
    known: &["path", "line", "column"],
    later: &[],
};

pub(super) const EDIT: Keys = Keys {
    what: "a fix",
    known: &["path", "first", "last", "replacement"],
    later: &[],
};

pub(super) const ARTIFACT: Keys = Keys {
    what: "an artifact",
    known: &["name", "media_type", "text", "hex", "file"],
    later: &[],
};

pub(super) const EXPECT: Keys = Keys {
    what: "`expect`",
    known: &[
        "completed",
        "contains",
        "rejected",
        "fails",
        "message",
        "findings",
        "logs",
        "artifacts",
    ],
    later: &["progress"],
};

pub(super) const REJECTED: Keys = Keys {
    what: "`rejected`",
    known: &["reason", "findings"],
    later: &[],
};

pub(super) const EXPECTED_FINDING: Keys = Keys {
    what: "an expected finding",
    known: &["rule", "severity", "message", "path", "line", "fix"],
    later: &[],
};

pub(super) const EXPECTED_LOG: Keys = Keys {
    what: "an expected log line",
    known: &["level", "message"],
    later: &["fields"],
};

pub(super) const EXPECTED_ARTIFACT: Keys = Keys {
    what: "an expected artifact",
    known: &["name", "media_type", "text", "contains"],
    later: &["file"],
};

pub(super) const USES: Keys = Keys {
    what: "`uses`",
    known: &["fuel", "memory", "time", "output", "host-calls"],
    later: &["tokens"],
};
