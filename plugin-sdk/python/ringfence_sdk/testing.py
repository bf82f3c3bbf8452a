"""Runs agents natively, against a host that records what they do.

    from agent import hello
    from ringfence_sdk.testing import TestHost

    def test_it_greets():
        host = TestHost()
        assert host.run(hello, {"name": "Ada"}).value == "Hello, Ada!"
        assert host.lines == [("info", "greeting", {"name": "Ada"})]

What goes in and what comes out takes the same way through JSON as in the
sandbox. Budgets and grants don't hold here; `ringfence test` has them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .definition import definition_of
from .encode import encode
from .failure import Permanent
from .model import ModelError, ModelRequest, ModelResponse
from .outcome import Completed, Rejected
from .task import Artifact, Task

if TYPE_CHECKING:
    from .host import Activity, LogLevel


class TestHost:
    """A host without mounts, artifacts or a model, until it is given some.

    `lines`, `reports`, `kept` and `asked` are what an agent logged, reported,
    put into the store, and asked of a model."""

    # pytest collects what is called `Test...` unless it is told not to.
    __test__ = False

    def __init__(self, task: Task | None = None) -> None:
        self.task = task or Task()
        self.lines: list[tuple[LogLevel, str, dict[str, str]]] = []
        self.reports: list[tuple[Activity, float | None, str]] = []
        self.kept: dict[str, tuple[Artifact, bytes]] = {}
        self.asked: list[ModelRequest] = []
        self.answers: list[ModelResponse | ModelError] = []
        self.mounts: dict[str, str] = {}

    def run(self, function: Callable[..., Any], input: Any) -> Completed[Any] | Rejected:
        """Lets the agent do the task with this input. What it fails with is raised."""
        task = replace(self.task, input=json.loads(encode(input)))
        outcome = definition_of(function).execute(task, self)
        if isinstance(outcome, Completed):
            return replace(outcome, value=json.loads(encode(outcome.value)))
        return outcome

    def log(self, level: LogLevel, message: str, fields: list[tuple[str, str]]) -> None:
        self.lines.append((level, message, dict(fields)))

    def report(self, activity: Activity, fraction: float | None, note: str) -> None:
        self.reports.append((activity, fraction, note))

    def put(self, name: str, media_type: str, content: bytes) -> Artifact:
        sha256 = hashlib.sha256(content).hexdigest()
        artifact = Artifact(name, media_type, sha256, len(content))
        self.kept[sha256] = (artifact, content)
        return artifact

    def get(self, sha256: str) -> bytes:
        if sha256 not in self.kept:
            raise Permanent(f"the artifact {sha256} is not in this run's store")
        return self.kept[sha256][1]

    def chat(self, request: ModelRequest) -> ModelResponse:
        self.asked.append(request)
        if not self.answers:
            raise ModelError("denied", "no answer is left: add to `TestHost.answers`")
        answer = self.answers.pop(0)
        if isinstance(answer, ModelError):
            raise answer
        return answer

    def mount(self, name: str) -> str:
        return str(self.mounts.get(name, f"/{name}"))
