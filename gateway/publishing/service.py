"""Writes as their clients see them: an order is received once per key, and told as a receipt until it is forgotten."""

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
from gateway.publishing.authorization import withdrawn
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, EditHighlight, HighlightCommand, files_of
from gateway.publishing.context import Files, HighlightChanged, Permits, WorkflowContext
from gateway.publishing.owners import flow_of, prefix_of
from gateway.publishing.presenter import (
    NAMES,
    is_known,
    is_past_cancelling,
    is_to_be_settled,
    may_be_retried,
    needs_files,
    order_of,
    receipt_of,
)
from gateway.publishing.registry import register
from gateway.publishing.views import FlowKind, FlowState, WorkflowView
from gateway.upstream.platforms.port import Publisher

BATCH = 100
REUSED = "idempotencyKey was used before, for another request: take a new one."


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """Newest first."""

    receipts: Sequence[WorkflowView]
    has_next: bool


class Publishing:
    """`settled` is told what of an account may be different: in each process that carries out a flow, or waits for one.
    `dice` spreads the looks of flows that wait. `permits` is asked before each effect of a flow. `client` is everywhere
    the id of one.

    Every method raises FlowsUnavailable where the store of the flows cannot be reached.
    """

    def __init__(
        self,
        durable: Durable,
        publisher: Publisher,
        spool: Files,
        *,
        clock: Clock,
        hook: Hook,
        settled: Callable[[HighlightChanged], None],
        dice: random.Random,
        permits: Permits,
    ) -> None:
        self._ports = WorkflowContext(durable, publisher, spool, clock, hook, settled, dice, permits)
        # Of a client one list is read at a time: it may ask for fifty at once, and all go through the same few threads.
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        register(self._ports)

    async def begun(self, client: str, key: str, request: str) -> WorkflowView | None:
        """The flow of the request with this fingerprint, if it was received before; None if `key` is new.

        Raises IdempotencyKeyReused if the client has used `key` for anything else.
        """
        record = await self._ports.durable.get(flow_of(client, key))
        if record is None:
            return None
        if record.input["request"] != request:
            raise IdempotencyKeyReused(REUSED, field="idempotencyKey")
        return self._receipt(record)

    async def create(self, client: str, order: CreateHighlight, *, key: str) -> WorkflowView:
        """Raises IdempotencyKeyReused if the client has used `key` for anything else."""
        return await self._begin(FlowKind.CREATE, client, order, key)

    async def edit(self, client: str, order: EditHighlight, *, key: str) -> WorkflowView:
        """As `create`."""
        return await self._begin(FlowKind.UPDATE, client, order, key)

    async def delete(self, client: str, order: DeleteHighlight, *, key: str) -> WorkflowView:
        """As `create`."""
        return await self._begin(FlowKind.DELETE, client, order, key)

    async def receipt(self, client: str, id: str) -> WorkflowView | None:
        """None also where it is another client's, or of a kind that is not known."""
        record = await self._find(client, id)
        return None if record is None else self._receipt(record)

    async def receipts(
        self,
        client: str,
        *,
        account: str | None = None,
        state: FlowState | None = None,
        first: int,
        after: str | None = None,
    ) -> ReceiptPage:
        """The client's own; `after` is the id of the last one seen."""
        status = None if state is None else _status_of(state)
        found: list[WorkflowView] = []
        while len(found) <= first:
            async with self._turns.setdefault(client, asyncio.Lock()):
                batch = await self._ports.durable.list(
                    prefix=prefix_of(client), status=status, limit=BATCH, before=after
                )
            receipts = (self._receipt(record) for record in batch if is_known(record))
            found += (one for one in receipts if account in (None, one.account) and state in (None, one.state))
            if len(batch) < BATCH:
                break
            after = batch[-1].id
        return ReceiptPage(found[:first], len(found) > first)

    async def wait(self, client: str, id: str, seconds: float) -> WorkflowView:
        """The receipt when the flow has ended, or as it stands after `seconds`. Raises NotFound."""
        before = await self._own(client, id)
        if before.status.is_final:
            return self._receipt(before)
        return self._heard(_found(await self._ports.durable.wait(id, seconds)))

    async def watch(self, client: str, id: str) -> AsyncIterator[WorkflowView]:
        """The receipt as it stands, then after each change, until the flow has ended. Raises NotFound."""
        last = None
        if id.startswith(prefix_of(client)):
            async for record in self._ports.durable.watch(id):
                receipt = self._heard(record)
                if receipt != last:
                    yield receipt
                last = receipt
        if last is None:
            raise _no_such_flow()

    async def cancel(self, client: str, id: str) -> WorkflowView:
        """Ends the flow, unless its last effect is under way: then it goes on, as its receipt says. Raises NotFound."""
        record = await self._own(client, id)
        if record.status.is_final or is_past_cancelling(record):
            return self._receipt(record)
        record = _found(await self._ports.durable.cancel(id))
        if is_past_cancelling(record) and record.status is Status.CANCELLED:
            # It began meanwhile, and may be carried out: only by going on will the flow know.
            return self._receipt(_found(await self._ports.durable.retry(id)))
        if record.status is Status.CANCELLED:
            self._ports.hook(FlowEnded(id, record.name, record.status.value, None))
        return self._receipt(record)

    async def retry(self, client: str, id: str) -> WorkflowView:
        """Goes on from where the flow failed or was cancelled. Raises NotFound; InvalidInput where that cannot help.

        Raises Forbidden where the client may not publish for the account any more, unless what was begun is to be
        settled: then the flow looks for what it has done, and does nothing else.
        """
        record = await self._own(client, id)
        if record.status is Status.RUNNING:
            return self._receipt(record)
        if record.status is Status.DONE:
            raise InvalidInput("This flow has done what was ordered.", field="id")
        if not may_be_retried(record):
            raise InvalidInput("This flow would end in the same way: it cannot be retried.", field="id")
        account = order_of(record).account
        if not (self._ports.may_publish(id, account) or is_to_be_settled(record)):
            raise withdrawn(account)
        return self._receipt(_found(await self._ports.durable.retry(id)))

    async def holders(self) -> frozenset[str]:
        """The flows that may still need their files in the spool."""
        kept: set[str] = set()
        last: str | None = None
        while batch := await self._ports.durable.list(limit=BATCH, before=last):
            kept |= {record.id for record in batch if needs_files(record)}
            last = batch[-1].id
        return frozenset(kept)

    async def _begin(self, kind: FlowKind, client: str, order: HighlightCommand, key: str) -> WorkflowView:
        id = flow_of(client, key)
        files = files_of(order)
        # Held before the flow is there, lest a crash loses them, and once more after, lest a sweep in between does.
        await self._hold(id, files)
        try:
            record = await self._ports.durable.start(NAMES[kind], id, msgspec.to_builtins(order))
        except IdempotencyKeyReused as reused:
            await self._release(id, files - await self._needed_by(id))
            # Two that are the same may have been checked at once, with different outcomes.
            if order.request and (known := await self.begun(client, key, order.request)) is not None:
                return known
            raise IdempotencyKeyReused(REUSED, field="idempotencyKey") from reused
        if needs_files(record):
            await self._hold(id, files)
        else:
            await self._release(id, files)
        return self._receipt(record)

    async def _needed_by(self, id: str) -> frozenset[str]:
        record = await self._ports.durable.get(id)
        return files_of(order_of(record)) if record and needs_files(record) else frozenset()

    async def _hold(self, id: str, files: frozenset[str]) -> None:
        for sha256 in files:
            await self._ports.files.hold(sha256, id)

    async def _release(self, id: str, files: frozenset[str]) -> None:
        for sha256 in files:
            await self._ports.files.release(sha256, id)

    async def _own(self, client: str, id: str) -> Record:
        """Raises NotFound where `_find` finds nothing."""
        return _found(await self._find(client, id))

    async def _find(self, client: str, id: str) -> Record | None:
        record = await self._ports.durable.get(id) if id.startswith(prefix_of(client)) else None
        return None if record is None or not is_known(record) else record

    def _heard(self, record: Record) -> WorkflowView:
        """Of a flow that was running: it may have been carried out by another process."""
        receipt = self._receipt(record)
        if record.status.is_final:
            self._ports.settled(HighlightChanged(receipt.account, receipt.highlight_pk))
        return receipt

    def _receipt(self, record: Record) -> WorkflowView:
        return receipt_of(record, keys_are_known=self._ports.publisher.capabilities.idempotent)


def _found(record: Record | None) -> Record:
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
            FlowState.RECEIVED | FlowState.UPLOADING | FlowState.PROCESSING | FlowState.PUBLISHING | FlowState.CREATING
        ):
            return Status.RUNNING
        case _:
            assert_never(state)
