"""How a task ends that does not fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from .finding import Finding
from .task import Artifact

T = TypeVar("T")


@dataclass(frozen=True)
class Completed(Generic[T]):
    """The output of a task, with what was found and kept on the way. The value
    becomes JSON: dataclasses, enums, lists, dicts with texts as keys, texts,
    numbers, booleans and `None`."""

    value: T
    findings: Sequence[Finding] = ()
    artifacts: Sequence[Artifact] = ()


@dataclass(frozen=True)
class Rejected:
    """A gate sends work back, with what is to be mended."""

    reason: str
    findings: Sequence[Finding] = ()
