"""An exception as its author can use it: what it says, and the places in the files
that the author wrote."""

from __future__ import annotations

import itertools
import linecache
import os
import sys
import traceback
from types import TracebackType
from typing import NoReturn

# Frames of this SDK are in each traceback, and of no interest.
_SDK = os.path.dirname(__file__)

# The host keeps the last 2 KiB that an agent writes before it traps.
_MAX_MESSAGE = 600
_MAX_PLACES = 12
_MAX_CAUSES = 3

# Modules are packed when the component is made, those that are imported then.
_NOT_PACKED = "hint: import it at the top of your module, also where a library imports it late"


def tell(error: BaseException) -> NoReturn:
    """Writes `error` to standard error and ends the attempt as a trap.

    The interpreter's own way to tell it would look for the sources, which are not
    there, and would need memory that may be what is missing."""
    traceback.clear_frames(error.__traceback__)
    sys.stderr.write(explained(error) + "\n")
    sys.stderr.flush()
    os.abort()


def remember_sources(module: str) -> None:
    """Keeps the text of `module`, and of those beside it that are imported, for
    tracebacks: in the sandbox there are no files to read it from."""
    own = getattr(sys.modules[module], "__file__", None) or ""
    root = os.path.dirname(own)
    for name in module.split(".")[1:]:
        root = os.path.dirname(root)
    for other in list(sys.modules.values()):
        file = getattr(other, "__file__", None) or ""
        if file.startswith(root + os.sep):
            linecache.getlines(file)
            _roots[file] = root


# The folder that each file with known text is shown relative to.
_roots: dict[str, str] = {}


def explained(error: BaseException, causes: int = _MAX_CAUSES) -> str:
    """The text for `error`: what it was caused by comes first, as usual in Python."""
    text = f"{_places(error.__traceback__)}{_what(error)}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is None or causes == 0:
        return text
    return f"{explained(cause, causes - 1)}\nwhich led to:\n{text}"


def _what(error: BaseException) -> str:
    cls = type(error)
    name = cls.__qualname__
    if cls.__module__ not in ("builtins", "__main__"):
        name = f"{cls.__module__}.{name}"
    message = str(error)
    if len(message) > _MAX_MESSAGE:
        message = message[:_MAX_MESSAGE] + "…"
    lines = [f"{name}: {message}" if message else name, *getattr(error, "__notes__", [])]
    if isinstance(error, ModuleNotFoundError):
        lines.append(_NOT_PACKED)
    return "\n".join(lines)


def _places(trace: TracebackType | None) -> str:
    places = [
        _place(frame.f_code.co_filename, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(trace)
        if os.path.dirname(frame.f_code.co_filename) != _SDK
    ]
    groups = [(place, len(list(same))) for place, same in itertools.groupby(places)]
    if not groups:
        return ""
    lines = ["Traceback (most recent call last):"]
    if len(groups) > _MAX_PLACES:
        lines.append(f"  and {len(groups) - _MAX_PLACES} before")
    for place, count in groups[-_MAX_PLACES:]:
        lines.append(place)
        if count > 1:
            lines.append(f"  the same {count - 1} more times")
    return "\n".join(lines) + "\n"


def _place(file: str, line: int, function: str) -> str:
    shown = os.path.relpath(file, _roots[file]) if file in _roots else file
    place = f'  File "{shown}", line {line}, in {function}'
    # Straight from the cache: asking for a line would look whether its file changed.
    known = linecache.cache.get(file)
    text = known[2][line - 1].strip() if known and len(known) == 4 and line <= len(known[2]) else ""
    return f"{place}\n    {text}" if text else place
