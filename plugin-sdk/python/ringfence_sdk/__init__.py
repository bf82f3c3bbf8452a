"""For people who write Ringfence agents in Python.

An agent is a function from its input to its output. A whole one:

    from dataclasses import dataclass

    from ringfence_sdk import Context, agent

    @dataclass
    class Input:
        name: str

    @agent(name="hello", version="1.0.0", roles=["greeter"])
    def hello(input: Input, cx: Context) -> str:
        "Greets by name."
        cx.log.info("greeting", name=input.name)
        return f"Hello, {input.name}!"

`ringfence build` makes a component of the module, which can be dropped into a
plugins folder. The function itself stays an ordinary one: call it in a test, or
run it as the host does with `ringfence_sdk.testing`.

How a call ends:

- what is returned is the task's output; `Completed(...)` adds findings and
  artifacts to it, and `Rejected(...)` is how a gate sends work back;
- `InvalidInput`, `Permanent` and `Transient` are raised, and say whether trying
  again can help; input that does not fit the type is an `InvalidInput` that
  names the field;
- any other exception ends the attempt as a trap, with its traceback.

In the sandbox nothing is there by default: no files, no network, no environment.
A folder that the operator grants and the workflow mounts as `src` is
`cx.mount("src")`, and files are read there as anywhere.
"""

from .definition import agent
from .context import Context
from .failure import Failure, InvalidInput, Permanent, Transient
from .finding import Edit, Finding, Location, Severity
from .host import Activity, LogLevel
from .model import Message, ModelError, ModelRequest, ModelResponse
from .outcome import Completed, Rejected
from .task import Artifact, Dependency, Output, Priority, Task

__all__ = [
    "Activity",
    "Artifact",
    "Completed",
    "Context",
    "Dependency",
    "Edit",
    "Failure",
    "Finding",
    "InvalidInput",
    "Location",
    "LogLevel",
    "Message",
    "ModelError",
    "ModelRequest",
    "ModelResponse",
    "Output",
    "Permanent",
    "Priority",
    "Rejected",
    "Severity",
    "Task",
    "Transient",
    "agent",
]
