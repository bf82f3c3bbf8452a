"""What an agent is given to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

from .decode import decode
from .finding import Finding

T = TypeVar("T")


class Priority(str, Enum):
    """How urgent a task is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    CRITICAL = "critical"
    EMERGENCY = "emergency"


@dataclass(frozen=True)
class Artifact:
    """A blob in the run's artifact store, named by its content."""

    name: str
    media_type: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Output:
    """What a task gave to those that need it. The value is what JSON gives."""

    value: Any
    findings: Sequence[Finding] = ()
    artifacts: Sequence[Artifact] = ()

    @classmethod
    def unread(
        cls, text: str, findings: Sequence[Finding], artifacts: Sequence[Artifact]
    ) -> Output:
        """One whose value is read where it is first looked at: an agent pays for no
        other."""
        output = cls.__new__(cls)
        vars(output).update(_text=text, findings=findings, artifacts=artifacts)
        return output

    def __getattr__(self, name: str) -> Any:
        # Python asks here only for what is not there.
        if name != "value" or "_text" not in vars(self):
            raise AttributeError(name)
        vars(self)["value"] = json.loads(vars(self)["_text"])
        return vars(self)["value"]


@dataclass(frozen=True)
class Dependency:
    """The output of a task that this one needs. Of a `for_each` task the value
    is a list, one value an item; of a task that was skipped it is `None`."""

    task: str
    output: Output

    def decode(self, type: type[T]) -> T:
        """The value as a `type`. What does not fit is an `InvalidInput` that
        names the field."""
        return decode(type, self.output.value, f"needs.{self.task}")


@dataclass(frozen=True)
class Task:
    """One attempt at a task. `attempt` and `round` count from 1; `time_left` is
    in seconds; `input` is what JSON gives."""

    run: str = "test-run"
    id: str = "test"
    role: str = "test"
    priority: Priority = Priority.NORMAL
    attempt: int = 1
    round: int = 1
    input: Any = None
    needs: Sequence[Dependency] = ()
    feedback: Sequence[Finding] = ()
    time_left: float = 30.0
