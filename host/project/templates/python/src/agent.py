from dataclasses import dataclass

from ringfence_sdk import Context, agent


@dataclass
class Input:
    name: str


@dataclass
class Greeting:
    text: str


@agent(name="{{name}}", version="0.1.0", roles=["greeter"])
def greet(input: Input, cx: Context) -> Greeting:
    "greets by name"
    cx.log.info("greeting somebody")
    return Greeting(text=f"Hello, {input.name}!")
