"""What the flows are given: the world beyond them, and the few ways of waiting for it that all of them share."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, Self, TypeAlias, TypeVar

from gateway.clock import Clock
from gateway.durable.port import Durable, Json
from gateway.durable.run import WorkflowInterrupted
from gateway.errors import ContainerExpired, FlowsUnavailable
from gateway.events import Hook
from gateway.publishing.authorization import Permitted
from gateway.publishing.owners import owner_in
from gateway.upstream.platforms.port import Publisher

T = TypeVar("T")
Permits: TypeAlias = Callable[[str, str], bool]
"""(owner of the flow, id of an account): whether the client may publish for the account now."""

# Idempotency keys are derived, so that a repeated step sends the same one.
NAMESPACE = uuid.UUID("0f6f2b0e-6d0b-5b8e-9b53-9a7f6d1c2f11")
DAY = 86_400.0
# The contract's answer to 24/2207008: twice more within two minutes, then the container is gone.
PAUSES_BEFORE_EXPIRED = (30.0, 60.0)
FIRST_LOOK = 1.0
LONGEST_LOOK = 60.0
LONGEST_NAMED = 600.0  # that the upstream may name: a look costs nothing, and a medium is processed in minutes


class Files(Protocol):
    """The spool, as flows see it."""

    def path(self, sha256: str) -> Path:
        """Where the file lies, if it is still there."""

    async def hold(self, sha256: str, holder: str) -> None: ...

    async def release(self, sha256: str, holder: str) -> None: ...


@dataclass(frozen=True, slots=True)
class HighlightChanged:
    """Something of an account may be different now: what is remembered of it is to be forgotten."""

    account: str
    highlight_pk: str | None


@dataclass(frozen=True, slots=True)
class WorkflowContext:
    """`dice` spreads the looks of those who wait; `settled` forgets what the gateway remembers; `permits` says what a
    flow's client may do now."""

    durable: Durable
    publisher: Publisher
    files: Files
    clock: Clock
    hook: Hook
    settled: Callable[[HighlightChanged], None]
    dice: random.Random
    permits: Permits

    def of(self, flow: str) -> Self:
        """For one flow: its effects need the rights that its client has then."""
        return replace(self, publisher=Permitted(self.publisher, lambda account: self.may_publish(flow, account)))

    def may_publish(self, flow: str, account: str) -> bool:
        return self.permits(owner_in(flow), account)

    async def look_until(
        self, look: Callable[[], Awaitable[tuple[T | None, float | None]]], topic: str, first: float | None
    ) -> T:
        """Inside a step: looks until there is an answer. Before each look it waits as long as the last one named, or
        longer and longer; `first` is the wait that is known already. The event `topic` ends a wait early, if it comes.
        """
        wait, named = FIRST_LOOK, first
        while True:
            seconds = min(named, LONGEST_NAMED) if named else wait * self.dice.uniform(0.5, 1.0)
            await self.durable.wait_for_event(topic, seconds)
            answer, named = await look()
            if answer is not None:
                return answer
            wait = min(wait * 2, LONGEST_LOOK)

    async def check(self, flow: str) -> None:
        """Inside a step, after a wait and before an effect. Raises Stopped where the flow was cancelled meanwhile."""
        # Without its store it can neither be cancelled nor go on after this step.
        with contextlib.suppress(FlowsUnavailable):
            record = await self.durable.get(flow)
            if record is None or record.status.is_final:
                raise WorkflowInterrupted

    async def unless_expired(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """Inside a step: None where the upstream keeps saying that a container is gone."""
        for pause in PAUSES_BEFORE_EXPIRED:
            try:
                return await attempt()
            except ContainerExpired:
                await self.clock.sleep(pause)
        try:
            return await attempt()
        except ContainerExpired:
            return None


def key_of(flow: str, *parts: Json) -> str:
    """The idempotency key of one effect of one flow."""
    return str(uuid.uuid5(NAMESPACE, "/".join((flow, *map(str, parts)))))
