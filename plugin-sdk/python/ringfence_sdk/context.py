"""What an agent has at hand beside its input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .host import Activity, Host, LogLevel
from .model import Message, ModelRequest, ModelResponse
from .task import Artifact, Dependency, Task


class Context:
    """The task of this attempt, and the host that runs it."""

    def __init__(self, task: Task, host: Host) -> None:
        self.task = task
        self.log = Log(host)
        self.artifacts = Artifacts(host)
        self.model = Model(host)
        self._host = host

    def progress(
        self, fraction: float | None, note: str = "", activity: Activity = "working"
    ) -> None:
        """Says how far the attempt has come; `fraction` goes from 0 to 1."""
        self._host.report(activity, fraction, note)

    def need(self, name: str) -> Dependency | None:
        """The task `name` among those that this one needs."""
        return next((need for need in self.task.needs if need.task == name), None)

    def mount(self, name: str) -> Path:
        """The folder that the workflow mounts under `name`. It is there if the
        operator grants it."""
        return Path(self._host.mount(name))


class Log:
    """Lines in the run's log: `cx.log.warn("slow", seconds=3)`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def at(self, level: LogLevel, message: object, **fields: object) -> None:
        """A line of this level."""
        texts = [(name, str(value)) for name, value in fields.items()]
        self._host.log(level, str(message), texts)

    def trace(self, message: object, **fields: object) -> None:
        self.at("trace", message, **fields)

    def debug(self, message: object, **fields: object) -> None:
        self.at("debug", message, **fields)

    def info(self, message: object, **fields: object) -> None:
        self.at("info", message, **fields)

    def warn(self, message: object, **fields: object) -> None:
        self.at("warn", message, **fields)

    def error(self, message: object, **fields: object) -> None:
        self.at("error", message, **fields)


class Artifacts:
    """The run's artifact store. A refusal is a `Permanent` failure."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def put(self, name: str, content: bytes | str, media_type: str | None = None) -> Artifact:
        """Keeps a content. Name it in `Completed(..., artifacts=[...])` for the
        tasks that need this one."""
        if isinstance(content, str):
            return self._host.put(name, media_type or "text/plain", content.encode())
        return self._host.put(name, media_type or "application/octet-stream", content)

    def get(self, artifact: Artifact | str) -> bytes:
        """The content of an artifact of this run; a text is its SHA-256."""
        return self._host.get(artifact if isinstance(artifact, str) else artifact.sha256)


class Model:
    """The language models that the operator grants."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def chat(
        self,
        messages: str | Sequence[Message],
        *,
        model: str | None = None,
        max_tokens: int | None = None,
        temperature: float | None = None,
        response_schema: Any = None,
    ) -> ModelResponse:
        """Asks a model; a text is one message of the user. Raises `ModelError`."""
        if isinstance(messages, str):
            messages = [Message("user", messages)]
        return self._host.chat(
            ModelRequest(messages, model, max_tokens, temperature, response_schema)
        )
