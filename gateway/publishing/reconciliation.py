"""Reconciliation of effects that must not be repeated blindly, as an earlier attempt may have succeeded unnoticed."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from gateway.durable.port import Json, Run, Step
from gateway.publishing.authorization import withdrawn
from gateway.publishing.context import DAY, WorkflowContext
from gateway.publishing.step_kinds import Act

# How long an idempotency key is relied on, in seconds: upstreams promise a day.
KEY_LIFE = DAY - 3_600.0


class UncertainEffect:
    """One effect of one workflow on one account, which may have happened in an earlier attempt.

    Before the effect a mark is recorded, which names the run of the body that made it. An attempt in a later run, after
    a crash or a retry, finds the mark of another run and is uncertain, as is every attempt after the first in a run.
    No mark is made if the client may not publish for the account.
    """

    def __init__(self, context: WorkflowContext, run: Run, account: str) -> None:
        self._context = context
        self._run = run
        self._account = account
        self._run_token = uuid.uuid4().hex
        self._was_attempted = False
        self._mark: Json = None

    async def mark(self, number: int, note: Callable[[], Awaitable[Json]]) -> Json:
        """Record the mark before any attempt, and return the recorded result of `note`. Raises StepFailed."""

        async def act() -> Json:
            self.check()
            return {"by": self._run_token, "at": self._context.clock.now(), "note": await note()}

        self._mark = await self._run.step(Step(Act.PREPARE.step(number), act))
        self._was_attempted = self._mark["by"] != self._run_token
        return self._mark["note"]

    def attempt(self) -> bool:
        """Return whether to read first if an earlier attempt succeeded. Call it in the step, before each attempt."""
        was_attempted, self._was_attempted = self._was_attempted, True
        return was_attempted and not (self._is_key_valid and self._is_permitted)

    def check(self) -> None:
        """Raise Forbidden if the client may not publish. Call it after a read found nothing, before the effect."""
        if not self._is_permitted:
            raise withdrawn(self._account)

    @property
    def _is_permitted(self) -> bool:
        return self._context.may_publish(self._run.id, self._account)

    @property
    def _is_key_valid(self) -> bool:
        """True if the upstream still answers a repeated key with the result of the first attempt."""
        known = self._context.publisher.capabilities.idempotent
        return known and self._context.clock.now() - self._mark["at"] < KEY_LIFE
