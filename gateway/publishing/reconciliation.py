"""Reconciliation of effects that must not be repeated blindly, as an earlier attempt may have succeeded unnoticed."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from gateway.durable.port import Json, Step
from gateway.publishing.context import DAY, RunContext
from gateway.publishing.phases import PREPARE
from gateway.publishing.recorded import EffectMark, from_json, to_json

# How long an idempotency key is relied on, in seconds: upstreams promise a day.
KEY_LIFE = DAY - 3_600.0


class UncertainEffect:
    """One effect of one workflow on one account, which may have happened in an earlier attempt.

    Before the effect a mark is recorded, which names the run of the body that made it. An attempt in a later run, after
    a crash or a retry, finds the mark of another run and is uncertain, as is every attempt after the first in a run.
    No mark is made if the client may not publish for the account.
    """

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._run_token = uuid.uuid4().hex
        self._was_attempted = False
        self._marked_at = 0.0

    async def mark(self, number: int, note: Callable[[], Awaitable[tuple[str, ...] | None]]) -> tuple[str, ...]:
        """Record the mark before any attempt, and return the recorded result of `note`. Raises StepFailed."""

        async def act() -> Json:
            self._context.authorization.check()
            return to_json(EffectMark(self._run_token, self._context.clock.now(), await note()))

        mark = from_json(await self._context.run.step(Step(PREPARE.step(number), act)), EffectMark)
        self._was_attempted = mark.by != self._run_token
        self._marked_at = mark.at
        return mark.note or ()

    def attempt(self) -> bool:
        """Return whether to read first if an earlier attempt succeeded. Call it in the step, before each attempt."""
        was_attempted, self._was_attempted = self._was_attempted, True
        return was_attempted and not (self._is_key_valid and self._context.authorization.is_given)

    @property
    def _is_key_valid(self) -> bool:
        """True if the upstream still answers a repeated key with the result of the first attempt."""
        known = self._context.publisher.traits.idempotent
        return known and self._context.clock.now() - self._marked_at < KEY_LIFE
