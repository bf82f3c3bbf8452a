"""From an author's values to JSON."""

from __future__ import annotations

import dataclasses
import json
from enum import Enum
from pathlib import PurePath
from typing import Any


def encode(value: object) -> str:
    """`value` as JSON. Raises `TypeError` and `ValueError` for what has none."""
    try:
        return json.dumps(value, default=_plain, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        # Where in the encoder that was helps nobody.
        raise type(error)(f"the output: {error}") from None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, PurePath):
        return value.as_posix()
    raise TypeError(
        f"`{type(value).__name__}` cannot be written as JSON\n"
        "hint: return dicts, lists, texts, numbers, booleans, `None` or dataclasses of these"
    )
