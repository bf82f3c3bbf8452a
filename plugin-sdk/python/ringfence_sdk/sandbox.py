"""The way between the sandbox and an agent: the only file that knows the types
which are generated from the contract."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

from .encode import encode
from .failure import Failure, InvalidInput, Permanent, Transient
from .finding import Edit, Finding, Location, Severity
from .model import ModelError, ModelRequest, ModelResponse
from .outcome import Completed, Rejected
from .task import Artifact, Dependency, Output, Priority, Task
from .trace import remember_sources, tell

if TYPE_CHECKING:
    from .definition import Definition
    from .host import Activity, LogLevel

try:
    # Made by componentize-py while it makes a component.
    import componentize_py_types as component
    from wit_world.exports import agent as wire_agent
    from wit_world.imports import artifacts, log, model, progress
    from wit_world.imports import types as wire

    IS_SANDBOX = True
except ImportError:
    IS_SANDBOX = False


def exported(definition: Definition) -> type:
    """The class that componentize-py makes the component's interface of."""

    if IS_SANDBOX:
        remember_sources(definition.function.__module__)

    class Agent:
        def describe(self) -> Any:
            said = definition.description
            return wire_agent.Description(
                name=said.name,
                version=said.version,
                summary=said.summary,
                roles=list(said.roles),
                input_schema=said.input_schema,
                output_schema=said.output_schema,
            )

        def can_handle(self, task: Any) -> bool:
            try:
                return bool(definition.handles(_task(task)))
            except BaseException as error:
                tell(error)

        def execute(self, task: Any) -> Any:
            try:
                return _wire_outcome(definition.execute(_task(task), SandboxHost()))
            except Failure as failure:
                raise component.Err(_wire_failure(failure)) from None
            except BaseException as error:
                tell(error)

    return Agent


class SandboxHost:
    """The host, as the sandbox offers it."""

    def log(self, level: LogLevel, message: str, fields: list[tuple[str, str]]) -> None:
        log.write(log.Level[level.upper()], message, fields)

    def report(self, activity: Activity, fraction: float | None, note: str) -> None:
        progress.report(progress.Activity[activity.upper()], fraction, note)

    def put(self, name: str, media_type: str, content: bytes) -> Artifact:
        try:
            return _artifact(artifacts.put(name, media_type, content))
        except component.Err as error:
            _refuse(f"the artifact `{name}`", error.value)

    def get(self, sha256: str) -> bytes:
        try:
            return bytes(artifacts.get(sha256))
        except component.Err as error:
            _refuse(f"the artifact {sha256}", error.value)

    def chat(self, request: ModelRequest) -> ModelResponse:
        schema = request.response_schema
        asked = model.Request(
            model=request.model,
            messages=[
                model.Message(model.Role[each.role.upper()], each.content)
                for each in request.messages
            ],
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            response_schema=None if schema is None else json.dumps(schema),
        )
        try:
            said = model.chat(asked)
        except component.Err as error:
            raise _model_error(error.value) from None
        usage = said.usage
        return ModelResponse(
            said.content, said.model, usage.prompt_tokens, usage.completion_tokens
        )

    def mount(self, name: str) -> str:
        return f"/{name}"


def _refuse(what: str, error: Any) -> NoReturn:
    match error:
        case artifacts.ArtifactError_NotFound():
            raise Permanent(f"{what} is not in this run's store")
        case artifacts.ArtifactError_Denied(reason):
            raise Permanent(f"{what} is denied: {reason}")
        case artifacts.ArtifactError_TooLarge(limit):
            raise Permanent(f"{what} is larger than the {limit} bytes that are left for artifacts")
        case _:
            raise Permanent(f"{what}: {error}")


def _model_error(error: Any) -> ModelError:
    match error:
        case model.ModelError_Denied(message):
            return ModelError("denied", message)
        case model.ModelError_BudgetExhausted(message):
            return ModelError("budget-exhausted", message)
        case model.ModelError_Unavailable(message):
            return ModelError("unavailable", message)
        case _:
            return ModelError("invalid-request", error.value)


def _task(task: Any) -> Task:
    return Task(
        run=task.run,
        id=task.id,
        role=task.role,
        priority=Priority[task.priority.name],
        attempt=task.attempt,
        round=task.round,
        input=json.loads(task.input),
        needs=[Dependency(need.task, _output(need.output)) for need in task.needs],
        feedback=_findings(task.feedback),
        time_left=task.time_left_ms / 1000,
    )


def _output(output: Any) -> Output:
    kept = [_artifact(each) for each in output.artifacts]
    return Output.unread(output.value, _findings(output.findings), kept)


def _findings(findings: Iterable[Any]) -> list[Finding]:
    return [
        Finding(
            rule=each.rule,
            severity=Severity[each.severity.name],
            message=each.message,
            location=each.location and Location(**vars(each.location)),
            fix=each.fix and Edit(**vars(each.fix)),
        )
        for each in findings
    ]


def _artifact(artifact: Any) -> Artifact:
    return Artifact(artifact.name, artifact.media_type, artifact.sha256, artifact.size)


def _wire_outcome(outcome: Completed[Any] | Rejected) -> Any:
    findings = [_wire_finding(each) for each in outcome.findings]
    if isinstance(outcome, Rejected):
        return wire.Outcome_Rejected(wire.Rejection(outcome.reason, findings))
    kept = [wire.Artifact(**vars(each)) for each in outcome.artifacts]
    return wire.Outcome_Completed(wire.Output(encode(outcome.value), findings, kept))


def _wire_finding(finding: Finding) -> Any:
    return wire.Finding(
        rule=finding.rule,
        severity=wire.Severity[Severity(finding.severity).name],
        message=finding.message,
        location=finding.location and wire.Location(**vars(finding.location)),
        fix=finding.fix and wire.Edit(**vars(finding.fix)),
    )


def _wire_failure(failure: Failure) -> Any:
    match failure:
        case InvalidInput():
            return wire.Failure_InvalidInput(failure.message)
        case Transient():
            wait = failure.retry_after
            milliseconds = None if wait is None else max(0, round(wait * 1000))
            return wire.Failure_Transient(wire.TransientFailure(failure.message, milliseconds))
        case _:
            return wire.Failure_Permanent(failure.message)
