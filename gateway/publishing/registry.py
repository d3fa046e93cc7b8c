"""The flows by name, as the engine runs them: an order in, what its receipt tells out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from gateway.durable.port import Fault, Json, Run, Status, StepFailed
from gateway.errors import FlowsUnavailable
from gateway.events import FlowEnded, FlowStarted
from gateway.publishing.commands import (
    CreateHighlight,
    DeleteHighlight,
    EditHighlight,
    HighlightCommand,
    files_of,
    highlight_of,
)
from gateway.publishing.context import HighlightChanged, WorkflowContext
from gateway.publishing.create_highlight import CreateHighlightWorkflow
from gateway.publishing.delete_highlight import DeleteHighlightWorkflow
from gateway.publishing.edit_highlight import EditHighlightWorkflow
from gateway.publishing.presenter import NAMES, may_be_mended
from gateway.publishing.views import FlowKind

OrderT = TypeVar("OrderT", CreateHighlight, EditHighlight, DeleteHighlight)


class Flow(Protocol):
    """One run of a body."""

    async def make(self) -> Json:
        """`{"highlight": pk, "skipped": places, "surplus": things, "warnings": texts}`. Raises StepFailed."""


def register(ports: WorkflowContext) -> None:
    """Makes all flows known to the engine."""
    _define(ports, FlowKind.CREATE, CreateHighlight, CreateHighlightWorkflow)
    _define(ports, FlowKind.UPDATE, EditHighlight, EditHighlightWorkflow)
    _define(ports, FlowKind.DELETE, DeleteHighlight, DeleteHighlightWorkflow)


def _define(
    ports: WorkflowContext, kind: FlowKind, form: type[OrderT], flow: Callable[[WorkflowContext, Run, OrderT], Flow]
) -> None:
    async def body(run: Run, input: Json) -> Json:
        order = msgspec.convert(input, form)
        return await _carry_out(ports, run, NAMES[kind], order, flow(ports.of(run.id), run, order))

    ports.durable.define(NAMES[kind], body)


async def _carry_out(ports: WorkflowContext, run: Run, name: str, order: HighlightCommand, flow: Flow) -> Json:
    ports.hook(FlowStarted(run.id, name))
    try:
        output = await flow.make()
    except StepFailed as failed:
        # A failed attempt may have had its effect all the same.
        ports.settled(HighlightChanged(order.account, highlight_of(order)))
        await _release(ports, run, order, failed.fault)
        ports.hook(FlowEnded(run.id, name, Status.FAILED.value, failed.fault.code))
        raise
    ports.settled(HighlightChanged(order.account, output["highlight"]))
    await _release(ports, run, order, None)
    ports.hook(FlowEnded(run.id, name, Status.DONE.value, None))
    return output


async def _release(ports: WorkflowContext, run: Run, order: HighlightCommand, fault: Fault | None) -> None:
    """The files of a flow that will not need them again."""
    if fault is not None and may_be_mended(fault):
        return
    # What cannot be released now goes with the next sweep: a flow that has ended is no holder.
    with contextlib.suppress(FlowsUnavailable):
        for sha256 in files_of(order):
            await ports.files.release(sha256, run.id)
