"""The port of durable execution: workflows that run to their end across crashes.

A workflow's body is an async function of a `Run` and a JSON input. After a crash it is replayed from its start, with
the recorded result of each finished step: so it must be deterministic, and every effect must lie in a step. Steps that
a crash interrupted are executed again, so every step must be safe to execute twice.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Json: TypeAlias = Any
"""None, bool, int, float, str, and lists and string-keyed dicts of these: the form of all recorded data."""

HALF_AN_HOUR = 1_800.0
# How long a step may go on when its workflow is handed over. Then it is interrupted.
STEP_SECONDS = 3.0


class Status(enum.Enum):
    """The status of a workflow."""

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
    """The final error of a step or workflow: a GatewayError in its recorded form. Safe to show to the client."""

    code: str
    message: str
    retryable: bool = False
    extensions: Mapping[str, Json] = field(default_factory=dict)


class StepFailed(Exception):
    """The error of `Run.step`: the step failed with a final error, or its retry budget is exhausted."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded effect.

    `act` returns the JSON to record. After a transient error (`UpstreamError`) the step is retried with backoff and
    jitter, or after the error's `retry_after` if it has one, for `patience` seconds; any other error ends the step.
    `medium` is the position of the medium that the step works on, shown to the client. `is_counted` records each
    attempt before it is made, so that a crash does not hide it.
    """

    name: str
    act: Callable[[], Awaitable[Json]]
    medium: int | None = None
    patience: float = HALF_AN_HOUR
    is_counted: bool = False


@dataclass(frozen=True, slots=True)
class StepRecord:
    """The recorded state of a step, as shown to the client. Times are Unix seconds."""

    name: str
    medium: int | None
    state: StepState
    attempts: int
    started_at: float
    finished_at: float | None
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class Record:
    """The current state of a workflow. `notes` holds the last value that its body emitted for each key.

    Times are Unix seconds.
    """

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


@dataclass(frozen=True, slots=True)
class Tally:
    """The workflows in the store by status, and when the oldest running one was started, in Unix seconds."""

    counts: Mapping[Status, int]
    oldest_running: float | None


class Run(Protocol):
    """The interface of a workflow's body to the engine."""

    @property
    def id(self) -> str: ...

    async def step(self, step: Step) -> Json:
        """Return the step's result, executed now or read from its record. Raises StepFailed."""

    async def steps(self, steps: Sequence[Step], *, width: int) -> list[Json | Fault]:
        """Return all results in order, with at most `width` steps running at once.

        The result of a failed step is its Fault.
        """

    async def sleep(self, seconds: float) -> None:
        """Sleep durably: after a crash, only the remaining time is slept."""

    async def now(self) -> float:
        """Return the time in Unix seconds, recorded at the first execution."""

    async def emit(self, key: str, value: Json) -> None:
        """Record progress in `Record.notes`."""

    def check_lease(self) -> None:
        """Stop the body if another process may run the workflow by now. For use in a step, right before an effect.

        A process may have slept, or the database may have been out of reach, for longer than its lease.
        """


Body: TypeAlias = Callable[[Run, Json], Awaitable[Json]]


class Durable(Protocol):
    """The engine of durable workflows. Methods raise FlowsUnavailable if the store cannot be reached in time."""

    def define(self, name: str, body: Body) -> None:
        """Register the body of the workflows called `name`. Must be called before `launch`."""

    async def launch(self) -> None:
        """Start the engine inside the running event loop, and resume the workflows that a crash interrupted."""

    async def hand_over(self) -> None:
        """Release the running workflows to other processes, each after its current step if that ends in STEP_SECONDS.

        From then on `start` records workflows for another process to run, and `wait` returns at once. Idempotent.
        """

    async def aclose(self) -> None:
        """Stop the engine; running workflows are interrupted and can be resumed later."""

    async def start(self, name: str, id: str, input: Json) -> Record:
        """Start the workflow `id`, or return the existing one.

        Raises IdempotencyKeyReused if it was started with other input.
        """

    async def get(self, id: str) -> Record | None: ...

    async def list(
        self, *, prefix: str = "", status: Status | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Record]:
        """Return the workflows whose id begins with `prefix`, newest first.

        `before` is the id of the last workflow of the previous page.
        """

    async def tally(self) -> Tally:
        """Count the workflows of all processes."""

    async def wait(self, id: str, seconds: float) -> Record | None:
        """Return the workflow when it has ended, or its current state after `seconds`."""

    def watch(self, id: str) -> AsyncIterator[Record]:
        """Yield the workflow's current state, then its state after each change, until it has ended."""

    async def cancel(self, id: str) -> Record | None:
        """Cancel the workflow before its next step; a running step is not interrupted.

        Returns None if the workflow does not exist.
        """

    async def retry(self, id: str) -> Record | None:
        """Resume a failed or cancelled workflow at the step that failed."""

    async def prune(self, older_than: float) -> int:
        """Delete ended workflows last changed before `older_than` (Unix seconds). Returns how many were deleted."""

    async def erase(self, ids: Sequence[str]) -> bool:
        """Delete these workflows, and overwrite what is stored of them. Return whether none of them is left.

        One that runs, also after it was cancelled and until its step has ended, stays.
        """

    async def wait_for_event(self, topic: str, seconds: float) -> bool:
        """Return whether the event came within `seconds`. For steps that poll: a hint, not recorded."""

    def signal(self, topic: str) -> None:
        """Wake the tasks of this process that wait for the event."""

    def problem(self) -> str | None:
        """Return why workflows cannot run now, for the readiness check; None if they can."""
