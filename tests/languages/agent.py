from dataclasses import dataclass, field
from typing import Literal

from ringfence_sdk import Context, Rejected, Transient, agent

started = 0


@dataclass
class File:
    path: str


@dataclass
class Input:
    do: Literal["answer", "raise", "reject", "wait", "spin", "hoard", "count", "read", "set"]
    files: list[File] = field(default_factory=list)


def fall(depth: int) -> None:
    if depth == 0:
        raise ValueError("the well is empty")
    fall(depth - 1)


@agent(name="hello", version="1.0.0", roles=["test"])
def act(input: Input, cx: Context) -> object:
    "does as it is told"
    global started
    started += 1
    match input.do:
        case "answer":
            cx.log.info("answering", files=len(input.files))
            cx.progress(0.5, "half")
            kept = cx.artifacts.put("note.txt", "kept")
            return {"kept": cx.artifacts.get(kept).decode(), "attempt": cx.task.attempt}
        case "raise":
            fall(3)
        case "reject":
            return Rejected("not good enough")
        case "wait":
            raise Transient("busy", retry_after=1.5)
        case "spin":
            while True:
                pass
        case "hoard":
            hoard = []
            while True:
                hoard.append(bytearray(1 << 20))
        case "count":
            return started
        case "read":
            return [file.path for file in input.files if not cx.mount("src").joinpath(file.path).exists()]
        case "set":
            return {1, 2}
