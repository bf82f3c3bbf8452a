"""What an agent can ask of its host."""

from __future__ import annotations

from typing import Literal, Protocol

from .model import ModelRequest, ModelResponse
from .task import Artifact

LogLevel = Literal["trace", "debug", "info", "warn", "error"]

Activity = Literal["thinking", "working", "waiting"]


class Host(Protocol):
    """The sandbox has one, and `ringfence_sdk.testing` one that records."""

    def log(self, level: LogLevel, message: str, fields: list[tuple[str, str]]) -> None: ...

    def report(self, activity: Activity, fraction: float | None, note: str) -> None: ...

    def put(self, name: str, media_type: str, content: bytes) -> Artifact: ...

    def get(self, sha256: str) -> bytes: ...

    def chat(self, request: ModelRequest) -> ModelResponse: ...

    def mount(self, name: str) -> str: ...
