"""The flows by name, as the engine runs them: an order in, what its receipt tells out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from gateway.durable.port import Fault, Json, Run, Status, StepFailed
from gateway.errors import FlowsUnavailable
from gateway.events import FlowEnded, FlowStarted
from gateway.publishing.commands import CreateOrder, DeleteOrder, EditOrder, Order, files_of, highlight_of
from gateway.publishing.context import Ports, Settled
from gateway.publishing.create_highlight import CreateHighlight
from gateway.publishing.delete_highlight import DeleteHighlight
from gateway.publishing.edit_highlight import EditHighlight
from gateway.publishing.presenter import NAMES, may_be_mended
from gateway.publishing.views import FlowKind

OrderT = TypeVar("OrderT", CreateOrder, EditOrder, DeleteOrder)


class Flow(Protocol):
    """One run of a body."""

    async def make(self) -> Json:
        """`{"highlight": pk, "skipped": places, "surplus": things, "warnings": texts}`. Raises StepFailed."""


def define(ports: Ports) -> None:
    """Makes all flows known to the engine."""
    _define(ports, FlowKind.CREATE, CreateOrder, CreateHighlight)
    _define(ports, FlowKind.UPDATE, EditOrder, EditHighlight)
    _define(ports, FlowKind.DELETE, DeleteOrder, DeleteHighlight)


def _define(ports: Ports, kind: FlowKind, form: type[OrderT], flow: Callable[[Ports, Run, OrderT], Flow]) -> None:
    async def body(run: Run, input: Json) -> Json:
        order = msgspec.convert(input, form)
        return await _carry_out(ports, run, NAMES[kind], order, flow(ports.of(run.id), run, order))

    ports.durable.define(NAMES[kind], body)


async def _carry_out(ports: Ports, run: Run, name: str, order: Order, flow: Flow) -> Json:
    ports.hook(FlowStarted(run.id, name))
    try:
        output = await flow.make()
    except StepFailed as failed:
        # A failed attempt may have had its effect all the same.
        ports.settled(Settled(order.account, highlight_of(order)))
        await _release(ports, run, order, failed.fault)
        ports.hook(FlowEnded(run.id, name, Status.FAILED.value, failed.fault.code))
        raise
    ports.settled(Settled(order.account, output["highlight"]))
    await _release(ports, run, order, None)
    ports.hook(FlowEnded(run.id, name, Status.DONE.value, None))
    return output


async def _release(ports: Ports, run: Run, order: Order, fault: Fault | None) -> None:
    """The files of a flow that will not need them again."""
    if fault is not None and may_be_mended(fault):
        return
    # What cannot be released now goes with the next sweep: a flow that has ended is no holder.
    with contextlib.suppress(FlowsUnavailable):
        for sha256 in files_of(order):
            await ports.files.release(sha256, run.id)
