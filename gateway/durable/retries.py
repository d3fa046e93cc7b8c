"""One step's attempts: made until one succeeds, fails for good, or the step's patience is at an end."""

from __future__ import annotations

import itertools
import json
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway.clock import Clock
from gateway.durable.port import Fault, Json, Step, StepFailed, StepRecord, StepState
from gateway.errors import GatewayError, UpstreamError, UpstreamInvalidAnswer, UpstreamRejected, forget_frames
from gateway.events import Hook, InternalErrorMasked, StepRetried

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
# Answers that more patience does not help: they are no trouble that passes, but may be a gateway's or a proxy's on the
# way. The same is asked for so many seconds, and then believed.
BEWILDERING = (UpstreamInvalidAnswer, UpstreamRejected)
BEWILDERED = 180.0
LONGEST_NAMED = 3_600.0  # that the upstream may name: one attempt more an hour is in nobody's way
# What a step records is read again on each replay: what is larger belongs into a file.
RESULT_BYTES = 64 * 1024
MASKED = "INTERNAL_SERVER_ERROR"

Tell = Callable[[StepRecord], None]
Written = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a step ended: its result as it is read back from the record, or its fault."""

    record: StepRecord
    value: Json = None


class StepRetrier:
    """Makes the attempts. `dice` spreads the waits: those who failed together should not come back together."""

    def __init__(self, clock: Clock, hook: Hook, dice: random.Random) -> None:
        self._clock = clock
        self._hook = hook
        self._dice = dice

    async def make(self, flow: str, step: Step, begun: StepRecord | None, tell: Tell, written: Written) -> Outcome:
        """`begun` is what is known of attempts before a crash; `tell` hears of each attempt before it is made, and
        `written` returns when what it heard is on record.

        Patience begins anew after a crash: how long the gateway was down says nothing of the upstream.
        """
        record = begun or StepRecord(step.name, step.medium, StepState.RUNNING, 0, self._clock.now(), None, None)
        now = self._clock.monotonic()
        give_up, understood = now + step.patience, now
        for failures in itertools.count():
            record = replace(record, attempts=record.attempts + 1)
            tell(record)
            if step.is_counted:
                await written()
            try:
                return Outcome(self._ended(record, None), recorded_form(await step.act()))
            except UpstreamError as error:
                wait, now = self._wait(failures, error.retry_after), self._clock.monotonic()
                if not isinstance(error, BEWILDERING):
                    understood = now
                fault = fault_of(error, self._hook)
                if now + wait > min(give_up, understood + BEWILDERED):
                    return Outcome(self._ended(record, fault))
                record = replace(record, fault=fault)  # why it is tried again
                tell(record)
                self._hook(StepRetried(flow, step.name, step.medium, record.attempts, error.code, wait))
            except Exception as error:
                return Outcome(self._ended(record, fault_of(error, self._hook)))
            await self._clock.sleep(wait)
        raise AssertionError("patience is finite")

    def _wait(self, failures: int, retry_after: float | None) -> float:
        backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(failures, 30))
        if retry_after is None:
            return backoff * self._dice.uniform(0.5, 1.0)
        return min(retry_after, LONGEST_NAMED) + FIRST_WAIT * self._dice.random()

    def _ended(self, record: StepRecord, fault: Fault | None) -> StepRecord:
        state = StepState.FAILED if fault else StepState.DONE
        return replace(record, state=state, finished_at=self._clock.now(), fault=fault)


def recorded_form(value: Json) -> Json:
    """`value` as a replay reads it, so that the first run sees no other. Raises TypeError and ValueError."""
    text = json.dumps(value, allow_nan=False)
    if len(text) > RESULT_BYTES:
        raise ValueError(f"a step may record {RESULT_BYTES} bytes, not {len(text)}")
    return json.loads(text)


def fault_of(error: Exception, hook: Hook) -> Fault:
    """What a client may see of an error; what nobody expected is masked, and handed to `hook`.

    The error forgets its frames: what a flow holds would stay in a cycle with them.
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
    bug = secrets.token_hex(8)
    hook(InternalErrorMasked(bug, error))
    return Fault(MASKED, "Something went wrong in the gateway.", extensions={"id": bug})
