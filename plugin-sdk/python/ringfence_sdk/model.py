"""A language model that the operator grants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .failure import Failure, Permanent, Transient


@dataclass(frozen=True)
class Message:
    """A part of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelRequest:
    """What a model is asked. Without `model`, the first of the granted ones; with
    `response_schema`, the answer is JSON that satisfies this JSON Schema."""

    messages: Sequence[Message]
    model: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    response_schema: Any = None


@dataclass(frozen=True)
class ModelResponse:
    """What a model says, and what that cost."""

    content: str
    model: str = "test"
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ModelError(Exception):
    """Why a model does not answer. Where nobody catches it, the attempt fails:
    in a way that is tried again if it is `unavailable`, else for good."""

    Kind = Literal["denied", "budget-exhausted", "unavailable", "invalid-request"]

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def failure(self) -> Failure:
        """The same as a failure of the attempt."""
        return Transient(self) if self.kind == "unavailable" else Permanent(self)
