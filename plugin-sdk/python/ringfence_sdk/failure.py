"""Why there is no outcome, and so whether trying again can help."""

from __future__ import annotations


class Failure(Exception):
    """How an agent fails on purpose. Raise one of the three kinds."""

    def __init__(self, message: object) -> None:
        super().__init__(str(message))

    @property
    def message(self) -> str:
        """What happened, for a person."""
        return str(self.args[0])


class InvalidInput(Failure):
    """The agent does not take this input. Say which field, and what it should be."""


class Permanent(Failure):
    """Trying again is no use."""


class Transient(Failure):
    """Trying again may help, after `retry_after` seconds at the earliest."""

    def __init__(self, message: object, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
