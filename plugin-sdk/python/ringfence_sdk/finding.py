"""What there is to say about a place in the work."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(str, Enum):
    """How bad a finding is, from worth knowing to what must be mended first."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Location:
    """A place in a file. The path is relative to the root of its mount, with `/`
    between its parts; line and column count from 1, in characters."""

    path: str
    line: int = 1
    column: int = 1


@dataclass(frozen=True)
class Edit:
    """Replace lines `first` to `last` (inclusive) of `path` by `replacement`,
    which is whole lines; the empty text deletes them."""

    path: str
    first: int
    last: int
    replacement: str


@dataclass(frozen=True)
class Finding:
    """Something to say about a place in the work. `rule` is in kebab case, and
    `message` one sentence for a person. A severity may be given by its name:
    `Finding("secret", "high", "a key is in the text")`."""

    rule: str
    severity: Severity | str
    message: str
    location: Location | None = None
    fix: Edit | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "severity", Severity(self.severity))
