"""Retries of one step: until an attempt succeeds or fails with a final error, or the retry budget is exhausted."""

from __future__ import annotations

import itertools
import json
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.durable.port import Fault, Json, Step, StepFailed, StepRecord, StepState
from gateway.errors import GatewayError, UpstreamError, UpstreamInvalidAnswer, UpstreamRejected
from gateway.events import Hook, InternalErrorMasked, StepRetried
from gateway.tracebacks import forget_frames

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
# Responses that are not transient in themselves, but may come from a gateway or proxy on the way to the upstream.
# The step is retried for this many seconds; then the response counts as final.
BEWILDERING = (UpstreamInvalidAnswer, UpstreamRejected)
BEWILDERED = 180.0
LONGEST_NAMED = 3_600.0  # seconds, of a `retry_after`: one attempt an hour is harmless
# The most a step may record, as each replay reads it again: larger data belongs in a file.
RESULT_BYTES = 64 * 1024
MASKED = "INTERNAL_SERVER_ERROR"

OnAttempt = Callable[[StepRecord], None]
Written = Callable[[], Awaitable[None]]
WaitForEvent = Callable[[str, float], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a step: its result, in the form in which it is read back from the record, or its fault."""

    record: StepRecord
    value: Json = None


class StepRetrier:
    """The retry loop of steps. `dice` adds jitter: steps that failed together should not retry together."""

    def __init__(
        self, clock: Clock, hook: Hook, dice: random.Random, wait_for_event: WaitForEvent | None = None
    ) -> None:
        """`wait_for_event` takes the topic of an error and seconds, and returns early when its cause has ended."""
        self._wait_for_event = wait_for_event
        self._clock = clock
        self._hook = hook
        self._rng = dice

    async def make(
        self,
        flow: str,
        step: Step,
        begun: StepRecord | None,
        on_attempt: OnAttempt,
        written: Written,
        check_lease: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Attempt the step until it succeeds, fails with a final error, or its retry budget is exhausted.

        `begun` is the record of attempts before a crash. `on_attempt` is called with each attempt before it is made;
        `written` returns when these calls are stored; `check_lease` raises WorkflowInterrupted. The retry budget
        starts over after a crash, as downtime says nothing about the upstream. A wait for an event is no part of it.
        """
        record = begun or StepRecord(step.name, step.medium, StepState.RUNNING, 0, self._clock.now(), None, None)
        understood_at = self._clock.monotonic()
        deadline = understood_at + step.patience
        for failures in itertools.count():
            record = replace(record, attempts=record.attempts + 1)
            on_attempt(record)
            if step.is_counted:
                await written()
            check_lease()
            try:
                return Outcome(self._ended(record, None), recorded_form(await step.act()))
            except UpstreamError as error:
                wait, now = self._wait(failures, error.retry_after), self._clock.monotonic()
                if not isinstance(error, BEWILDERING):
                    understood_at = now
                fault, topic = fault_of(error, self._hook), error.topic
                if topic is None and now + wait > min(deadline, understood_at + BEWILDERED):
                    return Outcome(self._ended(record, fault))
                on_attempt(record := replace(record, fault=fault))  # the reason of the retry
                self._hook(StepRetried(flow, step.name, step.medium, record.attempts, error.code, wait))
            except Exception as error:
                return Outcome(self._ended(record, fault_of(error, self._hook)))
            paused = await self._pause(topic, wait)
            deadline, understood_at = deadline + paused, understood_at + paused
        raise AssertionError("patience is finite")

    async def _pause(self, topic: str | None, seconds: float) -> float:
        """Wait before the next attempt, and return by how many seconds that extends the retry budget."""
        if topic is None or self._wait_for_event is None:
            await self._clock.sleep(seconds)
            return 0.0 if topic is None else seconds
        began = self._clock.monotonic()
        await self._wait_for_event(topic, seconds)
        return self._clock.monotonic() - began

    def _wait(self, failures: int, retry_after: float | None) -> float:
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 30))
        if retry_after is None:
            return backoff * self._rng.uniform(0.5, 1.0)
        return min(retry_after, LONGEST_NAMED) + FIRST_WAIT * self._rng.random()

    def _ended(self, record: StepRecord, fault: Fault | None) -> StepRecord:
        state = StepState.FAILED if fault else StepState.DONE
        return replace(record, state=state, finished_at=self._clock.now(), fault=fault)


def recorded_form(value: Json) -> Json:
    """Return `value` as a replay reads it, so that the first run gets the same. Raises TypeError and ValueError."""
    text = json.dumps(value, allow_nan=False)
    if len(text) > RESULT_BYTES:
        raise ValueError(f"a step may record {RESULT_BYTES} bytes, not {len(text)}")
    return json.loads(text)


def fault_of(error: Exception, hook: Hook) -> Fault:
    """Return the client-safe fault of an error; an unexpected error is masked, and reported to `hook`.

    The error's frames are cleared: otherwise they keep the workflow's objects alive in a reference cycle.
    """
    fault = _fault_of(error, hook)
    forget_frames(error)
    return fault


def _fault_of(error: Exception, hook: Hook) -> Fault:
    if isinstance(error, StepFailed):
        return error.fault
    if isinstance(error, GatewayError):
        shown = {name: value for name, value in error.extensions.items() if name != "code"}
        return Fault(error.code, error.message, isinstance(error, UpstreamError), shown)
    error_id = secrets.token_hex(8)
    hook(InternalErrorMasked(error_id, error))
    return Fault(MASKED, "An internal error of the gateway occurred.", extensions={"id": error_id})
