"""The context of publishing workflows: their dependencies, and the waits that all of them share."""

from __future__ import annotations

import contextlib
import random
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from gateway.clock import Clock
from gateway.domain.publishing import EntityRef
from gateway.domain.rights import Right
from gateway.durable.port import Durable, Json, Run
from gateway.durable.run import WorkflowInterrupted
from gateway.errors import ContainerExpired, FlowsUnavailable, UnsupportedByPlatform
from gateway.events import Hook
from gateway.publishing.authorization import Authorization, MayWrite
from gateway.publishing.owners import owner_in
from gateway.publishing.write import CachedEntry
from gateway.queue_place import QueueClient
from gateway.upstream.platforms.port import Highlights, MediaUploads, Publisher, Stories

T = TypeVar("T")

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

    async def fetch(self, sha256: str, holder: str) -> Path | None:
        """Return the path of a file that a workflow holds, by its id; None if it no longer exists.

        Raise FlowsUnavailable while it cannot be read.
        """

    async def hold(self, sha256: str, holder: str) -> None: ...

    async def release(self, sha256: str, holder: str) -> None: ...


@dataclass(frozen=True, slots=True)
class EntityChanged:
    """An entity of an account may have changed: `entries` of the cache must be invalidated."""

    account: str
    entity: EntityRef | None
    entries: frozenset[CachedEntry]


@dataclass(frozen=True, slots=True)
class WorkflowContext:
    """The dependencies of workflows.

    `rng` adds jitter to polling; `on_change` invalidates cached data; `may_write` returns whether a workflow's client
    has a right for an account now, and `queue_client` whose share of the upstream's rate a workflow's requests take;
    both take the workflow's owner.
    """

    durable: Durable
    publisher: Publisher
    files: Files
    clock: Clock
    hook: Hook
    on_change: Callable[[EntityChanged], None]
    rng: random.Random
    may_write: MayWrite
    queue_client: Callable[[str], QueueClient]

    def authorization(self, flow: str, right: Right, account: str) -> Authorization:
        """Return the right of a workflow's client for an account."""
        return Authorization(self.may_write, owner_in(flow), right, account)


@dataclass(frozen=True, slots=True)
class RunContext:
    """The context of one run of a workflow's body."""

    shared: WorkflowContext
    run: Run
    authorization: Authorization

    @property
    def clock(self) -> Clock:
        return self.shared.clock

    @property
    def publisher(self) -> Publisher:
        return self.shared.publisher

    @property
    def uploads(self) -> MediaUploads:
        """The publisher. Raises UnsupportedByPlatform if its dialect has no uploads."""
        if isinstance(self.publisher, MediaUploads):
            return self.publisher
        raise unsupported("uploads")

    @property
    def stories(self) -> Stories:
        """The publisher. Raises UnsupportedByPlatform if its dialect cannot publish an uploaded medium."""
        if isinstance(self.publisher, Stories):
            return self.publisher
        raise unsupported("publication of an uploaded medium")

    @property
    def highlights(self) -> Highlights:
        """The publisher. Raises UnsupportedByPlatform if its dialect has no highlights."""
        if isinstance(self.publisher, Highlights):
            return self.publisher
        raise unsupported("highlights")

    def key(self, *parts: Json) -> str:
        """Return the idempotency key of one effect."""
        return str(uuid.uuid5(NAMESPACE, "/".join((self.run.id, *map(str, parts)))))

    async def poll_until(
        self, look: Callable[[], Awaitable[tuple[T | None, float | None]]], topic: str, first: float | None
    ) -> T:
        """Call `look` until it returns an answer, and return that. For use inside a step.

        Each wait is as long as the last `look` named, or grows by exponential backoff; `first` is the first wait, if
        known. The event `topic` ends a wait early.
        """
        wait, named = FIRST_LOOK, first
        while True:
            seconds = min(named, LONGEST_NAMED) if named else wait * self.shared.rng.uniform(0.5, 1.0)
            await self.shared.durable.wait_for_event(topic, seconds)
            answer, named = await look()
            if answer is not None:
                return answer
            wait = min(wait * 2, LONGEST_LOOK)

    def check_effect(self) -> None:
        """Raise Forbidden, or stop where another process may run the workflow. Call it right before each effect."""
        self.authorization.check()
        self.run.check_lease()

    async def check_running(self) -> None:
        """Raise WorkflowInterrupted if the workflow has ended. For use inside a step, between a wait and an effect."""
        # Without the store, the workflow can neither be cancelled nor go on after this step.
        with contextlib.suppress(FlowsUnavailable):
            record = await self.shared.durable.get(self.run.id)
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


def unsupported(what: str) -> UnsupportedByPlatform:
    """Return the error for an operation that the dialect does not have."""
    return UnsupportedByPlatform(f"The publishing upstream of this gateway does not support this: {what}.")
