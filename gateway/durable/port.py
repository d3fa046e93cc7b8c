"""The port of durable execution: a flow's body is run to its end, whatever crashes.

A body is an async function of a `Run` and a JSON input. It is run again from its start after a crash, and finds each
finished step's result recorded: so it must be deterministic, and every effect must lie in a step. Steps that a crash
interrupted are done again; to do them twice must be safe.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, float, str, and lists and string-keyed dicts of these: what is recorded."""

HALF_AN_HOUR = 1_800.0


class Status(enum.Enum):
    """Of a flow."""

    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_final(self) -> bool:
        return self is not Status.RUNNING


class StepState(enum.Enum):
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a step or a flow failed for good: a GatewayError as it can be recorded. Safe to show to the client."""

    code: str
    message: str
    retryable: bool = False
    extensions: Mapping[str, Json] = field(default_factory=dict)


class StepFailed(Exception):
    """Raised out of `Run.step`: the step failed for good, or its patience is at an end."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded effect.

    `act` gives the JSON to record. A GatewayError that says it is transient (`UpstreamError`) is tried again with
    backoff and jitter, after its `retry_after` where it names one, for `patience` seconds; any other ends the step.
    `medium` is the position of the medium the step works on, for the receipt. `is_counted` puts each attempt on record
    before it is made, so that a crash does not hide it.
    """

    name: str
    act: Callable[[], Awaitable[Json]]
    medium: int | None = None
    patience: float = HALF_AN_HOUR
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class StepRecord:
    """A step as the receipt shows it. Times are Unix seconds."""

    name: str
    medium: int | None
    state: StepState
    attempts: int
    started_at: float
    finished_at: float | None
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Record:
    """A flow as it stands. `notes` is what its body emitted, the last value of each key. Times are Unix seconds."""

    id: str
    name: str
    status: Status
    input: Json
    output: Json
    fault: Fault | None
    steps: tuple[StepRecord, ...]
    notes: Mapping[str, Json]
    created_at: float
    updated_at: float


class Run(Protocol):
    """What a body may do besides computing."""

    @property
    def id(self) -> str: ...

    async def step(self, step: Step) -> Json:
        """The step's result, now or as it was recorded. Raises StepFailed."""

    async def steps(self, steps: Sequence[Step], *, width: int) -> list[Json | Fault]:
        """All results in order, at most `width` under way at once. A failed step's Fault stands in its place."""

    async def sleep(self, seconds: float) -> None:
        """Durable: what is left of it is slept after a crash."""

    async def now(self) -> float:
        """Unix seconds, recorded."""

    async def emit(self, key: str, value: Json) -> None:
        """Progress, for `Record.notes`."""


Body: TypeAlias = Callable[[Run, Json], Awaitable[Json]]


class Durable(Protocol):
    """The engine. Every method raises FlowsUnavailable where its store cannot be reached in time."""

    def define(self, name: str, body: Body) -> None:
        """Before `launch`."""

    async def launch(self) -> None:
        """Inside the running loop; takes up what a crash left."""

    async def aclose(self) -> None:
        """What runs is left where it stands, to be resumed."""

    async def start(self, name: str, id: str, input: Json) -> Record:
        """Starts the flow `id`, or finds it. Raises IdempotencyKeyReused if it was started with other input."""

    async def get(self, id: str) -> Record | None: ...

    async def list(
        self, *, prefix: str = "", status: Status | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Record]:
        """Newest first, those whose id begins with `prefix`; `before` is the id of the last one seen."""

    async def wait(self, id: str, seconds: float) -> Record | None:
        """The flow when it has ended, or as it stands after `seconds`."""

    def watch(self, id: str) -> AsyncIterator[Record]:
        """The flow as it stands, then after each change, until it has ended."""

    async def cancel(self, id: str) -> Record | None:
        """Ends it before its next step; a step under way is not interrupted. None where there is no such flow."""

    async def retry(self, id: str) -> Record | None:
        """Runs a failed or cancelled flow on from the step that failed."""

    async def prune(self, older_than: float) -> int:
        """Forgets ended flows last changed before `older_than` (Unix seconds); how many."""

    async def remember(self, name: str, seconds: float) -> bool:
        """Whether `name` is new: no process was given it whose seconds are not over. Of very many, the first to end
        are forgotten early."""

    async def wait_for_event(self, topic: str, seconds: float) -> bool:
        """Inside a step that polls: whether the event came before the time was over. A hint, not recorded."""

    def signal(self, topic: str) -> None:
        """Wakes whoever waits for the event in this process."""

    def problem(self) -> str | None:
        """Why flows cannot run now, for readiness."""
