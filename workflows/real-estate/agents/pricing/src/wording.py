"""Changes texts, a sentence at a time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringfence_sdk import Finding

from listing import Listing

# A space between sentences: after a full stop, before a capital or a quote.
_BETWEEN = re.compile(r"(?<=[.!?])\s+(?=[A-ZÄÖÜ\"])")

_SHOUTED = re.compile(r"\b[A-ZÄÖÜ]{4,}\b")


@dataclass(frozen=True)
class Place:
    """A place in the title or the text."""

    field: str
    offset: int


def at_place(listing: Listing, finding: Finding) -> Place | None:
    """Where a finding points, if it is in the title or the text."""
    if finding.location is None:
        return None
    for field in ("title", "text"):
        offset = finding.location.column - listing.at[field]
        if 0 <= offset < len(getattr(listing, field)):
            return Place(field, offset)
    return None


class Wording:
    """A text, whose sentences stay where they were until it is asked for."""

    def __init__(self, text: str) -> None:
        self._sentences: list[tuple[int, str]] = []
        start = 0
        for space in _BETWEEN.finditer(text):
            self._sentences.append((start, text[start : space.start()]))
            start = space.end()
        self._sentences.append((start, text[start:]))
        self._left_out: set[int] = set()

    def leave_out(self, offset: int) -> None:
        """Leaves out the sentence around this place."""
        starts = [start for start, _ in self._sentences if start <= offset]
        self._left_out.add(starts[-1])

    def quieten(self) -> None:
        """Makes sentences with shouted words ordinary ones."""
        self._sentences = [
            (start, said.capitalize() if _SHOUTED.search(said) else said)
            for start, said in self._sentences
        ]

    def text(self) -> str:
        """What it is now."""
        kept = [said for start, said in self._sentences if start not in self._left_out]
        return " ".join(" ".join(kept).split())
