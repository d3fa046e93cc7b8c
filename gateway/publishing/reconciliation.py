"""Effects that must not be repeated blindly: whether one may have happened already without our knowing."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from gateway.durable.port import Json, Run, Step
from gateway.publishing.authorization import withdrawn
from gateway.publishing.context import DAY, WorkflowContext
from gateway.publishing.step_kinds import Act

# For how long an upstream with idempotency keys is trusted to know one: it promises a day.
KEY_LIFE = DAY - 3_600.0


class UncertainEffect:
    """Of one effect of one flow, on one account.

    Before the effect a mark is recorded, which names the body's run that made it. An attempt in a later run, after a
    crash or a retry, finds another's mark and is in doubt, as is every attempt after the first in the same run.
    No mark is made for who may not publish for the account.
    """

    def __init__(self, ports: WorkflowContext, run: Run, account: str) -> None:
        self._ports = ports
        self._run = run
        self._account = account
        self._me = uuid.uuid4().hex
        self._was_tried = False
        self._mark: Json = None

    async def mark(self, number: int, note: Callable[[], Awaitable[Json]]) -> Json:
        """What `note` gave when the mark was made, before any attempt. Raises StepFailed."""

        async def act() -> Json:
            self.check()
            return {"by": self._me, "at": self._ports.clock.now(), "note": await note()}

        self._mark = await self._run.step(Step(Act.PREPARE.step(number), act))
        self._was_tried = self._mark["by"] != self._me
        return self._mark["note"]

    def attempt(self) -> bool:
        """To be asked in the step, before each attempt: whether to look first at what an earlier one may have done."""
        was_tried, self._was_tried = self._was_tried, True
        return was_tried and not (self._is_key_good and self._is_permitted)

    def check(self) -> None:
        """To be asked when nothing was found, before anything is made once more. Raises Forbidden."""
        if not self._is_permitted:
            raise withdrawn(self._account)

    @property
    def _is_permitted(self) -> bool:
        return self._ports.may_publish(self._run.id, self._account)

    @property
    def _is_key_good(self) -> bool:
        """The same key will be answered by what the first attempt did."""
        known = self._ports.publisher.capabilities.idempotent
        return known and self._ports.clock.now() - self._mark["at"] < KEY_LIFE
