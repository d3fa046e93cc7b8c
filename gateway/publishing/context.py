"""The context of publishing workflows: their dependencies, and the waits that all of them share."""

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
"""(owner of the workflow, id of an account): whether the client may publish for the account now."""

# Idempotency keys are derived, so that a repeated step sends the same one.
NAMESPACE = uuid.UUID("0f6f2b0e-6d0b-5b8e-9b53-9a7f6d1c2f11")
DAY = 86_400.0
# As the contract says for error 24/2207008: retry twice within two minutes, then the container is gone.
PAUSES_BEFORE_EXPIRED = (30.0, 60.0)
FIRST_LOOK = 1.0
LONGEST_LOOK = 60.0
LONGEST_NAMED = 600.0  # seconds, of a `retry_after`: polling is free, and a medium is processed in minutes


class Files(Protocol):
    """The port to the spool of uploaded files."""

    def path(self, sha256: str) -> Path:
        """Return the path of the file, which may no longer exist."""

    async def hold(self, sha256: str, holder: str) -> None: ...

    async def release(self, sha256: str, holder: str) -> None: ...


@dataclass(frozen=True, slots=True)
class HighlightChanged:
    """A part of an account may have changed: its cached data must be invalidated."""

    account: str
    highlight_pk: str | None


@dataclass(frozen=True, slots=True)
class WorkflowContext:
    """The dependencies of workflows.

    `dice` adds jitter to polling; `settled` invalidates cached data; `permits` returns whether a workflow's client may
    publish for an account now.
    """

    durable: Durable
    publisher: Publisher
    files: Files
    clock: Clock
    hook: Hook
    settled: Callable[[HighlightChanged], None]
    dice: random.Random
    permits: Permits

    def of(self, flow: str) -> Self:
        """Return the context of one workflow, whose effects need the rights that its client has at that time."""
        return replace(self, publisher=Permitted(self.publisher, lambda account: self.may_publish(flow, account)))

    def may_publish(self, flow: str, account: str) -> bool:
        """Return whether the workflow's client may publish for the account now."""
        return self.permits(owner_in(flow), account)

    async def look_until(
        self, look: Callable[[], Awaitable[tuple[T | None, float | None]]], topic: str, first: float | None
    ) -> T:
        """Call `look` until it returns an answer, and return that. For use inside a step.

        Each wait is as long as the last `look` named, or grows by exponential backoff; `first` is the first wait, if
        known. The event `topic` ends a wait early.
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
        """Raise WorkflowInterrupted if the workflow has ended. For use inside a step, between a wait and an effect."""
        # Without the store, the workflow can neither be cancelled nor go on after this step.
        with contextlib.suppress(FlowsUnavailable):
            record = await self.durable.get(flow)
            if record is None or record.status.is_final:
                raise WorkflowInterrupted

    async def unless_expired(self, attempt: Callable[[], Awaitable[T]]) -> T | None:
        """Return the result of `attempt`; None if the upstream repeatedly reports that a container has expired.

        For use inside a step.
        """
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
    """Return the idempotency key of one effect of one workflow."""
    return str(uuid.uuid5(NAMESPACE, "/".join((flow, *map(str, parts)))))
