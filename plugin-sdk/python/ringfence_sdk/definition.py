"""What an author writes: a function, and who it is."""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from . import sandbox
from .context import Context
from .decode import check, decode
from .host import Host
from .model import ModelError
from .outcome import Completed, Rejected
from .task import Task

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Description:
    """Who an agent is."""

    name: str
    version: str
    summary: str
    roles: Sequence[str]
    input_schema: str | None
    output_schema: str | None


@dataclass(frozen=True)
class Definition:
    """An agent: who it is, and what it does."""

    description: Description
    input: Any
    function: Callable[..., Any]
    takes_context: bool
    handles: Callable[[Task], bool]

    def execute(self, task: Task, host: Host) -> Completed[Any] | Rejected:
        """Does the task. Raises what the function raises, and `InvalidInput`."""
        input = decode(self.input, task.input)
        args = (input, Context(task, host)) if self.takes_context else (input,)
        try:
            outcome = self.function(*args)
        except ModelError as error:
            raise error.failure() from error
        return outcome if isinstance(outcome, (Completed, Rejected)) else Completed(outcome)


def agent(
    *,
    name: str,
    version: str,
    roles: Sequence[str],
    summary: str | None = None,
    can_handle: Callable[[Task], bool] | None = None,
    input_schema: Any = None,
    output_schema: Any = None,
) -> Callable[[F], F]:
    """Makes a function the agent of its module.

    The function takes the input, and a `Context` if it wants one. The input is
    decoded to the type that its first parameter is annotated with. `summary` is
    the first line of its docstring, unless it is given. `can_handle` is asked
    where the role alone leaves a choice of agents. Schemas are JSON Schemas, as
    dicts. The function stays as it is, and can be called.

    A component is made of the class `Agent` of a module, which this puts there.
    """

    def define(function: F) -> F:
        parameters = list(inspect.signature(function).parameters.values())
        if len(parameters) not in (1, 2):
            raise TypeError(
                f"the agent `{function.__name__}` has {len(parameters)} parameters, not 1 or 2\n"
                "hint: write `def execute(input: Input, cx: Context)`, or leave out `cx`"
            )
        hints = typing.get_type_hints(function)
        input = hints.get(parameters[0].name, Any)
        check(input)
        said = summary or (inspect.getdoc(function) or "").partition("\n")[0]
        definition = Definition(
            description=Description(
                name=name,
                version=version,
                summary=said,
                roles=list(roles),
                input_schema=_schema(input_schema),
                output_schema=_schema(output_schema),
            ),
            input=input,
            function=function,
            takes_context=len(parameters) == 2,
            handles=can_handle or (lambda _: True),
        )
        function.__agent__ = definition  # type: ignore[attr-defined]
        if "Agent" in function.__globals__:
            raise TypeError(
                f"`Agent` is there already in the module of the agent `{function.__name__}`\n"
                "hint: a module has one agent, and nothing else in it is called `Agent`"
            )
        function.__globals__["Agent"] = sandbox.exported(definition)
        return function

    return define


def definition_of(function: Callable[..., Any]) -> Definition:
    """What `@agent` made of a function."""
    definition = getattr(function, "__agent__", None)
    if isinstance(definition, Definition):
        return definition
    raise TypeError(f"`{function.__name__}` is no agent\nhint: put `@agent(...)` above it")


def _schema(schema: Any) -> str | None:
    return None if schema is None else json.dumps(schema)
