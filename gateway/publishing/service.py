"""The publishing service: accepts each command once per idempotency key, and reports its workflow to the client."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import assert_never
from weakref import WeakValueDictionary

import msgspec

from gateway.clock import Clock
from gateway.durable.port import Durable, Record, Status
from gateway.errors import IdempotencyKeyReused, InvalidInput, NotFound
from gateway.events import FlowEnded, Hook
from gateway.publishing.authorization import MayWrite
from gateway.publishing.commands import Command
from gateway.publishing.context import EntityChanged, Files, WorkflowContext, unsupported
from gateway.publishing.owners import flow_of, prefix_of
from gateway.publishing.phases import FlowState
from gateway.publishing.presenter import (
    command_of,
    is_effect_uncertain,
    is_known,
    is_past_cancelling,
    kind_of,
    may_be_retried,
    needs_files,
    view_of,
)
from gateway.publishing.registry import FlowKind
from gateway.publishing.runner import register
from gateway.publishing.views import WorkflowView
from gateway.queue_place import QueueClient
from gateway.upstream.platforms.port import Publisher

BATCH = 100
REUSED = "idempotencyKey was used before, for another request: take a new one."


@dataclass(frozen=True, slots=True)
class FlowPage:
    """One page of a client's workflows, newest first."""

    views: Sequence[WorkflowView]
    has_next: bool


class Publishing:
    """The service of publishing. `client` is always a client's id.

    `on_change` is called with the entity that may have changed, in each process that runs a workflow or waits for one.
    `rng` adds jitter to polling. `may_write` is called before each effect of a workflow, `queue_client` before it runs.

    Every method raises FlowsUnavailable if the workflow store cannot be reached.
    """

    def __init__(
        self,
        durable: Durable,
        publisher: Publisher,
        spool: Files,
        *,
        clock: Clock,
        hook: Hook,
        on_change: Callable[[EntityChanged], None],
        rng: random.Random,
        may_write: MayWrite,
        queue_client: Callable[[str], QueueClient],
    ) -> None:
        self._context = WorkflowContext(durable, publisher, spool, clock, hook, on_change, rng, may_write, queue_client)
        # One list per client is read at a time: a client may request fifty at once, and all share a few threads.
        self._list_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        register(self._context)

    async def begun(self, client: str, key: str, request: str) -> WorkflowView | None:
        """Return the workflow of the request with this fingerprint, if it was received before; None if `key` is new.

        Raises IdempotencyKeyReused if the client has used `key` for anything else.
        """
        record = await self._context.durable.get(flow_of(client, key))
        if record is None:
            return None
        if record.input["request"] != request:
            raise IdempotencyKeyReused(REUSED, field="idempotencyKey")
        return self._view(record)

    def require_support(self, kind: FlowKind) -> None:
        """Raise UnsupportedByPlatform if the upstream's dialect cannot do this kind of write."""
        if not kind.row.is_supported_by(self._context.publisher):
            raise unsupported(kind.row.name)

    async def begin(self, client: str, command: Command, *, key: str) -> WorkflowView:
        """Start or find the workflow that carries the command out.

        Raises IdempotencyKeyReused if the client has used `key` for anything else, and UnsupportedByPlatform.
        """
        kind = FlowKind.of(command)
        self.require_support(kind)
        id = flow_of(client, key)
        # Held before the workflow exists, so that a crash loses no file, and again later, as a sweep may come between.
        await self._hold(id, command.files)
        try:
            record = await self._context.durable.start(kind.row.name, id, msgspec.to_builtins(command))
        except IdempotencyKeyReused as error:
            await self._release(id, command.files - await self._needed_by(id))
            # Two equal requests may have been validated at once, with different results.
            if command.request and (known := await self.begun(client, key, command.request)) is not None:
                return known
            raise IdempotencyKeyReused(REUSED, field="idempotencyKey") from error
        if needs_files(record):
            await self._hold(id, command.files)
        else:
            await self._release(id, command.files)
        return self._view(record)

    async def flow(self, client: str, id: str) -> WorkflowView | None:
        """Return the workflow; None if there is none, or it is another client's or of an unknown kind."""
        record = await self._find(client, id)
        return None if record is None else self._view(record)

    async def flows(
        self,
        client: str,
        *,
        account: str | None = None,
        state: FlowState | None = None,
        first: int,
        after: str | None = None,
    ) -> FlowPage:
        """Return a page of the client's own workflows; `after` is the id of the last one on the previous page."""
        status = None if state is None else _status_of(state)
        found: list[WorkflowView] = []
        while len(found) <= first:
            async with self._list_locks.setdefault(client, asyncio.Lock()):
                batch = await self._context.durable.list(
                    prefix=prefix_of(client), status=status, limit=BATCH, before=after
                )
            views = (self._view(record) for record in batch if is_known(record))
            found += (one for one in views if account in (None, one.account) and state in (None, one.state))
            if len(batch) < BATCH:
                break
            after = batch[-1].id
        return FlowPage(found[:first], len(found) > first)

    async def wait(self, client: str, id: str, seconds: float) -> WorkflowView:
        """Return the workflow when it has ended, or its current state after `seconds`. Raises NotFound."""
        before = await self._own(client, id)
        if before.status.is_final:
            return self._view(before)
        return self._view_after_run(_require(await self._context.durable.wait(id, seconds)))

    async def watch(self, client: str, id: str) -> AsyncIterator[WorkflowView]:
        """Yield the workflow's current state, then its state after each change, until it has ended. Raises NotFound."""
        last = None
        if id.startswith(prefix_of(client)):
            async for record in self._context.durable.watch(id):
                view = self._view_after_run(record)
                if view != last:
                    yield view
                last = view
        if last is None:
            raise _no_such_flow()

    async def cancel(self, client: str, id: str) -> WorkflowView:
        """Cancel the workflow, unless its last effect has started: then it goes on. Raises NotFound."""
        record = await self._own(client, id)
        if record.status.is_final or is_past_cancelling(record):
            return self._view(record)
        record = _require(await self._context.durable.cancel(id))
        if is_past_cancelling(record) and record.status is Status.CANCELLED:
            # Its last effect started meanwhile and may have happened: only a resumed workflow finds out.
            return self._view(_require(await self._context.durable.retry(id)))
        if record.status is Status.CANCELLED:
            self._context.hook(FlowEnded(id, record.name, record.status.value, None))
        return self._view(record)

    async def retry(self, client: str, id: str) -> WorkflowView:
        """Resume a failed or cancelled workflow. Raises NotFound; InvalidInput if a retry cannot help.

        Raises Forbidden if the client may no longer publish for the account, unless the outcome of a started effect
        is unknown: then the workflow only reads whether the effect has happened.
        """
        record = await self._own(client, id)
        if record.status is Status.RUNNING:
            return self._view(record)
        if record.status is Status.DONE:
            raise InvalidInput("This flow is done.", field="id")
        if not may_be_retried(record):
            raise InvalidInput("This flow would end in the same way: it cannot be retried.", field="id")
        right, account = kind_of(record).row.right, command_of(record).account
        if not is_effect_uncertain(record):
            self._context.authorization(id, right, account).check()
        return self._view(_require(await self._context.durable.retry(id)))

    async def holders(self) -> frozenset[str]:
        """Return the ids of the workflows that may still need their files in the spool."""
        needed: set[str] = set()
        last: str | None = None
        while True:
            while batch := await self._context.durable.list(limit=BATCH, before=last):
                needed |= {record.id for record in batch if needs_files(record)}
                last = batch[-1].id
            if last is None or await self._context.durable.get(last) is not None:
                return frozenset(needed)
            last = None  # it was deleted meanwhile, so nothing was listed after it

    async def _needed_by(self, id: str) -> frozenset[str]:
        record = await self._context.durable.get(id)
        return command_of(record).files if record and needs_files(record) else frozenset()

    async def _hold(self, id: str, files: frozenset[str]) -> None:
        for sha256 in files:
            await self._context.files.hold(sha256, id)

    async def _release(self, id: str, files: frozenset[str]) -> None:
        for sha256 in files:
            await self._context.files.release(sha256, id)

    async def _own(self, client: str, id: str) -> Record:
        """Return the client's workflow. Raises NotFound."""
        return _require(await self._find(client, id))

    async def _find(self, client: str, id: str) -> Record | None:
        record = await self._context.durable.get(id) if id.startswith(prefix_of(client)) else None
        return None if record is None or not is_known(record) else record

    def _view_after_run(self, record: Record) -> WorkflowView:
        """Return the view of a workflow that was running, and report its end: another process may have run it."""
        view = self._view(record)
        if record.status.is_final:
            self._context.on_change(EntityChanged(view.account, view.entity, view.kind.row.invalidates))
        return view

    def _view(self, record: Record) -> WorkflowView:
        return view_of(record, keys_are_known=self._context.publisher.traits.idempotent)


def _require(record: Record | None) -> Record:
    if record is None:
        raise _no_such_flow()
    return record


def _no_such_flow() -> NotFound:
    return NotFound("There is no such flow.")


def _status_of(state: FlowState) -> Status:
    match state:
        case FlowState.DONE:
            return Status.DONE
        case FlowState.FAILED:
            return Status.FAILED
        case FlowState.CANCELLED:
            return Status.CANCELLED
        case (
            FlowState.RECEIVED | FlowState.UPLOADING | FlowState.PROCESSING | FlowState.PUBLISHING | FlowState.APPLYING
        ):
            return Status.RUNNING
        case _:
            assert_never(state)
