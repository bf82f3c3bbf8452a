//! The keys of workflow files: the one list that the reader and the schema
//! are held to.

use crate::document::Keys;

pub(super) const WORKFLOW: Keys = Keys {
    what: "a workflow",
    known: &[
        "version",
        "name",
        "description",
        "inputs",
        "concurrency",
        "deadline",
        "priority",
        "limits",
        "retry_budget",
        "defaults",
        "tasks",
        "finally",
        "output",
    ],
    later: &["cache", "include", "rate", "secrets", "on", "env"],
};

pub(super) const LIMITS: Keys = Keys {
    what: "`limits`",
    known: &["roles", "agents"],
    later: &["mounts"],
};

pub(super) const LIMIT: Keys = Keys {
    what: "a limit",
    known: &["concurrency", "rate"],
    later: &["burst"],
};

pub(super) const INPUT: Keys = Keys {
    what: "an input",
    known: &["type", "enum", "default", "description"],
    later: &["pattern", "minimum", "maximum", "items"],
};

pub(super) const DEFAULTS: Keys = Keys {
    what: "the defaults",
    known: &[
        "timeout",
        "start_timeout",
        "total_timeout",
        "retry",
        "budget",
        "priority",
        "on_failure",
        "cache",
    ],
    later: &["fallback", "mounts", "rate"],
};

pub(super) const TASK: Keys = Keys {
    what: "a task",
    known: &[
        "role",
        "agent",
        "require",
        "approve",
        "workflow",
        "needs",
        "for_each",
        "when",
        "input",
        "mounts",
        "priority",
        "timeout",
        "start_timeout",
        "total_timeout",
        "retry",
        "budget",
        "fallback",
        "cache",
        "on_reject",
        "on_failure",
    ],
    later: &["env", "finally", "matrix", "rate"],
};

pub(super) const APPROVE: Keys = Keys {
    what: "`approve`",
    known: &["message", "timeout", "on_timeout"],
    later: &["by", "count"],
};

pub(super) const FOR_EACH: Keys = Keys {
    what: "`for_each`",
    known: &["items", "concurrency", "on_item_failure"],
    later: &["key", "batch"],
};

pub(super) const RETRY: Keys = Keys {
    what: "`retry`",
    known: &[
        "max_retries",
        "initial",
        "factor",
        "max",
        "jitter",
        "escalate",
        "on",
    ],
    later: &["retry_on", "deadline"],
};

pub(super) const RETRY_ON: Keys = Keys {
    what: "a code in `on`",
    known: &["max_retries", "initial", "factor", "max", "jitter"],
    later: &["escalate"],
};

pub(super) const RETRY_BUDGET: Keys = Keys {
    what: "`retry_budget`",
    known: &["at_least", "ratio"],
    later: &["per"],
};

pub(super) const BUDGET: Keys = Keys {
    what: "a budget",
    known: &[
        "fuel",
        "time",
        "memory",
        "output",
        "artifacts",
        "log-lines",
        "log-bytes",
        "host-calls",
        "open-resources",
    ],
    later: &["tokens", "cost"],
};

pub(super) const ON_REJECT: Keys = Keys {
    what: "`on_reject`",
    known: &["redo_from", "max_rounds"],
    later: &["when", "then"],
};

pub(super) const REQUIRE: Keys = Keys {
    what: "`require`",
    known: &["at_least"],
    later: &[],
};
