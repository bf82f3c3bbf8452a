"""What the SDK promises, without a sandbox."""

from __future__ import annotations

import json
import unittest
from dataclasses import dataclass, field, replace
from enum import Enum
from types import SimpleNamespace
from typing import Any, Literal, Optional

from ringfence_sdk import (
    Completed,
    Context,
    Finding,
    InvalidInput,
    ModelError,
    ModelResponse,
    Permanent,
    Rejected,
    Severity,
    Transient,
    definition,
    sandbox,
)
from ringfence_sdk.decode import check, decode
from ringfence_sdk.encode import encode
from ringfence_sdk.task import Dependency, Output, Task
from ringfence_sdk.testing import TestHost
from ringfence_sdk.trace import explained


class Kind(Enum):
    HOUSE = "house"
    FLAT = "flat"


@dataclass
class File:
    path: str
    mode: Literal["r", "w"] = "r"
    parts: list[File] = field(default_factory=list)


@dataclass
class Input:
    files: list[File]
    depth: int = 1
    ratio: float = 0.5
    kind: Optional[Kind] = None
    counts: dict[str, int] = field(default_factory=dict)
    id: int | str = 0
    more: Any = None


def agent(function: Any) -> Any:
    """An agent, without its place in a module: there are several here."""
    globals().pop("Agent", None)
    return definition.agent(name="test", version="1.0.0", roles=["test"])(function)


class Decoding(unittest.TestCase):
    def misfit(self, value: object) -> str:
        with self.assertRaises(InvalidInput) as caught:
            decode(Input, value)
        return str(caught.exception)

    def test_what_fits_is_decoded(self) -> None:
        value = {
            "files": [{"path": "a", "parts": [{"path": "b", "mode": "w"}]}],
            "ratio": 1,
            "kind": "flat",
            "counts": {"a": 1},
            "id": "x",
            "more": [None],
        }
        expected = Input(
            files=[File("a", parts=[File("b", "w")])],
            ratio=1.0,
            kind=Kind.FLAT,
            counts={"a": 1},
            id="x",
            more=[None],
        )
        self.assertEqual(decode(Input, value), expected)

    def test_a_misfit_names_the_field(self) -> None:
        for value, message in [
            (
                {"files": [{"path": "a"}, {"path": 3}]},
                "`input.files[1].path` does not fit: it is the number 3, and should be a string",
            ),
            ({}, "`input` does not fit: missing field `files`"),
            (None, "`input` does not fit: it is null, and should be an object"),
            (
                {"files": [{"path": "a", "x": 1}]},
                "`input.files[0].x` does not fit: unknown field `x`, "
                "expected `path` or `mode` or `parts`",
            ),
            (
                {"files": [{"path": "a", "mode": "x"}]},
                '`input.files[0].mode` does not fit: it is the string "x", and should be "r" or "w"',
            ),
            (
                {"files": [{"path": "a", "parts": [{}]}]},
                "`input.files[0].parts[0]` does not fit: missing field `path`",
            ),
            (
                {"files": [], "depth": True},
                "`input.depth` does not fit: it is true, and should be a whole number",
            ),
            (
                {"files": [], "depth": 1.5},
                "`input.depth` does not fit: it is the number 1.5, and should be a whole number",
            ),
            (
                {"files": [], "kind": "hut"},
                '`input.kind` does not fit: it is the string "hut", and should be "house" or "flat"',
            ),
            (
                {"files": [], "counts": {"a": "b"}},
                '`input.counts.a` does not fit: it is the string "b", and should be a whole number',
            ),
            (
                {"files": [], "id": []},
                "`input.id` does not fit: it is a list, and should be int or str",
            ),
        ]:
            with self.subTest(value=value):
                self.assertEqual(self.misfit(value), message)

    def test_a_type_that_json_does_not_have_is_told_when_the_agent_is_defined(self) -> None:
        @dataclass
        class Odd:
            when: complex

        with self.assertRaisesRegex(TypeError, "the field `Odd.when`: `complex` cannot be read"):
            check(Odd)
        with self.assertRaisesRegex(TypeError, "cannot be read from JSON"):
            check(dict[int, str])


class Encoding(unittest.TestCase):
    def test_dataclasses_and_enums_become_json(self) -> None:
        self.assertEqual(
            encode([File("ä"), Kind.FLAT]), '[{"path": "ä", "mode": "r", "parts": []}, "flat"]'
        )

    def test_what_json_does_not_have_is_told(self) -> None:
        with self.assertRaisesRegex(TypeError, "^the output: `set` cannot be written as JSON"):
            encode({"a": {1}})
        with self.assertRaisesRegex(ValueError, "^the output: "):
            encode(float("nan"))


class Running(unittest.TestCase):
    def test_what_is_returned_is_the_output(self) -> None:
        @agent
        def double(n: int) -> int:
            "doubles"
            return 2 * n

        self.assertEqual(TestHost().run(double, 21), Completed(42))
        self.assertEqual(definition.definition_of(double).description.summary, "doubles")
        self.assertEqual(double(1), 2)

    def test_the_host_records_what_the_agent_does(self) -> None:
        @agent
        def work(input: Any, cx: Context) -> Any:
            cx.log.warn("slow", seconds=3)
            cx.progress(0.5, "half")
            kept = cx.artifacts.put("notes.txt", "none")
            assert cx.artifacts.get(kept) == b"none"
            found = Finding("rule", "high", cx.model.chat("hello?").content)
            return Completed(None, findings=[found], artifacts=[kept])

        host = TestHost()
        host.answers.append(ModelResponse("yes"))
        outcome = host.run(work, None)
        self.assertEqual(host.lines, [("warn", "slow", {"seconds": "3"})])
        self.assertEqual(host.reports, [("working", 0.5, "half")])
        self.assertEqual(outcome.findings[0], Finding("rule", Severity.HIGH, "yes"))
        self.assertEqual(outcome.artifacts[0].size, 4)

    def test_a_gate_rejects(self) -> None:
        @agent
        def gate(_: Any) -> Rejected:
            return Rejected("no", [Finding("rule", "low", "m")])

        self.assertEqual(TestHost().run(gate, None).reason, "no")

    def test_a_need_is_decoded_and_a_misfit_names_it(self) -> None:
        @agent
        def work(_: Any, cx: Context) -> str:
            need = cx.need("survey")
            assert need is not None and cx.need("other") is None
            return need.decode(File).path

        task = Task(needs=[Dependency("survey", Output({"path": "a"}))])
        self.assertEqual(TestHost(task).run(work, None), Completed("a"))
        task = Task(needs=[Dependency("survey", Output({"path": 1}))])
        with self.assertRaisesRegex(InvalidInput, "`needs.survey.path` does not fit"):
            TestHost(task).run(work, None)

    def test_what_a_task_gave_is_read_where_it_is_looked_at(self) -> None:
        def gave(name: str, value: str) -> SimpleNamespace:
            output = SimpleNamespace(value=value, findings=[], artifacts=[])
            return SimpleNamespace(task=name, output=output)

        needs = [gave("survey", '{"path": "a"}'), gave("other", "{")]
        named = {"run": "r", "id": "i", "role": "test", "input": "null"}
        priority = SimpleNamespace(name="NORMAL")
        wired = SimpleNamespace(
            **named, priority=priority, attempt=1, round=1, needs=needs, feedback=[], time_left_ms=1
        )
        survey, other = sandbox._task(wired).needs
        self.assertEqual(survey.decode(File).path, "a")
        self.assertIs(survey.output.value, survey.output.value)
        self.assertEqual(sandbox._task(wired).needs[0].output, Output({"path": "a"}, [], []))
        self.assertEqual(replace(survey.output, value=1), Output(1, [], []))
        with self.assertRaises(json.JSONDecodeError):
            other.output.value

    def test_a_model_that_is_not_there_is_worth_another_attempt(self) -> None:
        @agent
        def ask(_: Any, cx: Context) -> str:
            return cx.model.chat("hello?").content

        host = TestHost()
        host.answers.append(ModelError("unavailable", "busy"))
        with self.assertRaisesRegex(Transient, "busy"):
            host.run(ask, None)
        with self.assertRaisesRegex(Permanent, "no answer is left"):
            host.run(ask, None)

    def test_a_function_that_cannot_be_an_agent_is_told(self) -> None:
        with self.assertRaisesRegex(TypeError, "has 0 parameters, not 1 or 2"):
            agent(lambda: None)
        with self.assertRaisesRegex(TypeError, "is no agent"):
            TestHost().run(len, None)


class Tracing(unittest.TestCase):
    def fail(self, depth: int) -> None:  # type: ignore[override]
        if depth == 0:
            raise ValueError("the well is empty")
        self.fail(depth - 1)

    def told(self, depth: int) -> str:
        try:
            self.fail(depth)
        except ValueError as error:
            return explained(error)
        raise AssertionError

    def test_places_that_repeat_are_counted(self) -> None:
        text = self.told(500)
        self.assertIn("in fail\n", text)
        self.assertIn("the same 499 more times", text)
        self.assertTrue(text.endswith("ValueError: the well is empty"))
        self.assertLess(len(text), 2048)

    def test_a_cause_comes_first(self) -> None:
        try:
            try:
                raise KeyError("a")
            except KeyError as error:
                raise RuntimeError("cannot go on") from error
        except RuntimeError as error:
            text = explained(error)
        self.assertLess(text.index("KeyError: 'a'"), text.index("RuntimeError: cannot go on"))
        self.assertIn("which led to:", text)

    def test_a_module_that_is_not_packed_is_told_with_what_to_do(self) -> None:
        text = explained(ModuleNotFoundError("No module named 'heapq'"))
        self.assertIn("hint: import it at the top", text)

    def test_a_long_message_is_cut(self) -> None:
        self.assertLess(len(explained(ValueError("x" * 10_000))), 1000)


if __name__ == "__main__":
    unittest.main()
