"""The registry of workflows: by name, a command as input and the recorded result as output."""

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
    HighlightCommand,
    UpdateHighlight,
    files_of,
    highlight_of,
)
from gateway.publishing.context import HighlightChanged, WorkflowContext
from gateway.publishing.create_highlight import CreateHighlightWorkflow
from gateway.publishing.delete_highlight import DeleteHighlightWorkflow
from gateway.publishing.presenter import NAMES, may_be_mended
from gateway.publishing.update_highlight import UpdateHighlightWorkflow
from gateway.publishing.views import FlowKind

OrderT = TypeVar("OrderT", CreateHighlight, UpdateHighlight, DeleteHighlight)


class Workflow(Protocol):
    """One run of a workflow's body."""

    async def make(self) -> Json:
        """Return `{"highlight": pk, "skipped": positions, "surplus": objects, "warnings": texts}`.

        Raises StepFailed.
        """


def register(context: WorkflowContext) -> None:
    """Register all workflows with the engine."""
    _register(context, FlowKind.CREATE, CreateHighlight, CreateHighlightWorkflow)
    _register(context, FlowKind.UPDATE, UpdateHighlight, UpdateHighlightWorkflow)
    _register(context, FlowKind.DELETE, DeleteHighlight, DeleteHighlightWorkflow)


def _register(
    context: WorkflowContext,
    kind: FlowKind,
    command_type: type[OrderT],
    workflow: Callable[[WorkflowContext, Run, OrderT], Workflow],
) -> None:
    async def body(run: Run, input: Json) -> Json:
        command = msgspec.convert(input, command_type)
        return await _execute(context, run, NAMES[kind], command, workflow(context.of(run.id), run, command))

    context.durable.define(NAMES[kind], body)


async def _execute(
    context: WorkflowContext, run: Run, name: str, command: HighlightCommand, workflow: Workflow
) -> Json:
    context.hook(FlowStarted(run.id, name))
    try:
        output = await workflow.make()
    except StepFailed as failed:
        # A failed attempt may nevertheless have had its effect.
        context.settled(HighlightChanged(command.account, highlight_of(command)))
        await _release(context, run, command, failed.fault)
        context.hook(FlowEnded(run.id, name, Status.FAILED.value, failed.fault.code))
        raise
    context.settled(HighlightChanged(command.account, output["highlight"]))
    await _release(context, run, command, None)
    context.hook(FlowEnded(run.id, name, Status.DONE.value, None))
    return output


async def _release(context: WorkflowContext, run: Run, command: HighlightCommand, fault: Fault | None) -> None:
    """Release the files of the workflow, unless a retry may need them."""
    if fault is not None and may_be_mended(fault):
        return
    # The next sweep releases the rest: a workflow that has ended is no longer a holder.
    with contextlib.suppress(FlowsUnavailable):
        for sha256 in files_of(command):
            await context.files.release(sha256, run.id)
