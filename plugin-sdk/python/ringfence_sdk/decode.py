"""From what JSON gives to the author's types, with errors that name the field."""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
import typing
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union

from .failure import InvalidInput

T = TypeVar("T")

# Takes a value and the name of its place, and gives what fits the type.
Decoder = Callable[[Any, str], Any]


def decode(type: type[T], value: object, place: str = "input") -> T:
    """`value` as a `type`. Raises `InvalidInput`."""
    return decoder(type)(value, place)


@cache
def decoder(type: Any) -> Decoder:
    """What decodes values of `type`: `None`, `bool`, `int`, `float`, `str`, lists,
    dicts with texts as keys, optional types and other unions, `Literal`, enums,
    dataclasses of all these, and `Any`. Raises `TypeError` for other types."""
    if type in _SCALARS:
        return _SCALARS[type]
    origin, args = typing.get_origin(type) or type, typing.get_args(type)
    if origin is list:
        return _list(decoder(args[0] if args else Any))
    if origin is dict and (not args or args[0] is str):
        return _dict(decoder(args[1] if args else Any))
    if origin in (Union, types.UnionType):
        return _union([(_name(arg), decoder(arg)) for arg in args])
    if origin is Literal:
        return _one_of({literal: literal for literal in args})
    if inspect.isclass(type) and issubclass(type, Enum):
        return _one_of({member.value: member for member in type})
    if inspect.isclass(type) and dataclasses.is_dataclass(type):
        return _dataclass(type)
    raise TypeError(f"`{_name(type)}` cannot be read from JSON\nhint: use `dict`, `list`, "
                    "`str`, `int`, `float`, `bool`, an enum or a dataclass of these")


def misfit(place: str, problem: str) -> InvalidInput:
    """What is raised for a value that does not fit."""
    return InvalidInput(f"`{place}` does not fit: {problem}")


def _exactly(expected: str, fits: Callable[[Any], bool]) -> Decoder:
    def decode_exactly(value: Any, place: str) -> Any:
        if fits(value):
            return value
        raise _wrong_type(value, place, expected)

    return decode_exactly


def _float(value: Any, place: str) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise _wrong_type(value, place, "a number")


_SCALARS: dict[Any, Decoder] = {
    Any: lambda value, _: value,
    object: lambda value, _: value,
    None: _exactly("null", lambda value: value is None),
    types.NoneType: _exactly("null", lambda value: value is None),
    bool: _exactly("true or false", lambda value: isinstance(value, bool)),
    int: _exactly("a whole number", lambda value: type(value) is int),
    float: _float,
    str: _exactly("a string", lambda value: isinstance(value, str)),
}


def _list(item: Decoder) -> Decoder:
    def decode_list(value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            raise _wrong_type(value, place, "a list")
        return [item(each, f"{place}[{index}]") for index, each in enumerate(value)]

    return decode_list


def _dict(item: Decoder) -> Decoder:
    def decode_dict(value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong_type(value, place, "an object")
        return {key: item(each, f"{place}.{key}") for key, each in value.items()}

    return decode_dict


def _union(choices: list[tuple[str, Decoder]]) -> Decoder:
    others = [choice for choice in choices if choice[0] != "None"]
    is_optional = len(others) < len(choices)

    def decode_union(value: Any, place: str) -> Any:
        if value is None and is_optional:
            return None
        # Of a single choice the error is more precise than of several.
        if len(others) == 1:
            return others[0][1](value, place)
        for _, choice in others:
            try:
                return choice(value, place)
            except InvalidInput:
                continue
        raise _wrong_type(value, place, " or ".join(name for name, _ in others))

    return decode_union


def _one_of(choices: dict[Any, Any]) -> Decoder:
    expected = " or ".join(json.dumps(choice) for choice in choices)

    def decode_one_of(value: Any, place: str) -> Any:
        for choice, member in choices.items():
            # `True == 1` in Python, and not in JSON.
            if value == choice and isinstance(value, bool) == isinstance(choice, bool):
                return member
        raise misfit(place, f"it is {_shown(value)}, and should be {expected}")

    return decode_one_of


def _dataclass(cls: type) -> Decoder:
    # Decoders of fields are made when the first value comes, as a dataclass may
    # hold itself; `check` makes them beforehand.
    @cache
    def fields() -> dict[str, tuple[Decoder, bool]]:
        hints = typing.get_type_hints(cls)
        found = {}
        for field in dataclasses.fields(cls):
            if not field.init:
                continue
            is_needed = (
                field.default is dataclasses.MISSING
                and field.default_factory is dataclasses.MISSING
            )
            try:
                found[field.name] = (decoder(hints[field.name]), is_needed)
            except TypeError as error:
                raise TypeError(f"the field `{cls.__name__}.{field.name}`: {error}") from None
        return found

    def decode_dataclass(value: Any, place: str) -> Any:
        if not isinstance(value, dict):
            raise _wrong_type(value, place, "an object")
        known = fields()
        for key in value:
            if key not in known:
                names = " or ".join(f"`{name}`" for name in known) or "none"
                raise misfit(f"{place}.{key}", f"unknown field `{key}`, expected {names}")
        for name, (_, is_needed) in known.items():
            if is_needed and name not in value:
                raise misfit(place, f"missing field `{name}`")
        return cls(**{key: known[key][0](each, f"{place}.{key}") for key, each in value.items()})

    decode_dataclass.fields = fields  # type: ignore[attr-defined]
    return decode_dataclass


def check(type: Any) -> None:
    """Makes all decoders that `type` needs, so that the first value that comes
    finds them made. Raises `TypeError` for a type that has none."""
    seen: set[Any] = set()

    def visit(type: Any) -> None:
        if type in seen:
            return
        seen.add(type)
        fields = getattr(decoder(type), "fields", None)
        if fields is not None:
            fields()
            for hint in typing.get_type_hints(type).values():
                visit(hint)
        elif typing.get_origin(type) is not Literal:
            for arg in typing.get_args(type):
                visit(arg)

    visit(type)


def _wrong_type(value: Any, place: str, expected: str) -> InvalidInput:
    return misfit(place, f"it is {_shown(value)}, and should be {expected}")


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return json.dumps(value)
        case int() | float():
            return f"the number {value}"
        case str():
            short = value if len(value) <= 60 else value[:60] + "…"
            return f"the string {json.dumps(short, ensure_ascii=False)}"
        case list():
            return "a list"
        case _:
            return "an object"


def _name(type: Any) -> str:
    if type in (None, types.NoneType):
        return "None"
    return type.__name__ if inspect.isclass(type) and not typing.get_args(type) else str(type)
