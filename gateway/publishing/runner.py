"""The runner of workflows: registers each write with the engine, and reports and cleans up around a run."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import Any

from gateway.durable.port import Fault, Json, Run, Status, StepFailed
from gateway.errors import FlowsUnavailable
from gateway.events import FlowEnded, FlowStarted
from gateway.publishing.commands import Command
from gateway.publishing.context import EntityChanged, RunContext, WorkflowContext, unsupported
from gateway.publishing.owners import owner_in
from gateway.publishing.presenter import may_be_mended
from gateway.publishing.recorded import WorkflowOutput, from_json, to_json
from gateway.publishing.registry import FlowKind
from gateway.publishing.write import Write
from gateway.queue_place import QUEUE_CLIENT


def register(context: WorkflowContext) -> None:
    """Register all writes with the engine."""
    for kind in FlowKind:
        context.durable.define(kind.row.name, partial(_run, context, kind.row))


async def _run(context: WorkflowContext, row: Write[Any, Any], run: Run, input: Json) -> Json:
    command = from_json(input, row.command)
    QUEUE_CLIENT.set(context.queue_client(owner_in(run.id)))
    context.hook(FlowStarted(run.id, row.name))
    try:
        output = await _make(context, row, run, command)
    except StepFailed as failed:
        # A failed attempt may nevertheless have had its effect.
        context.on_change(_change(row, command, command.entity_id))
        await _release(context, run, command, failed.fault)
        context.hook(FlowEnded(run.id, row.name, Status.FAILED.value, failed.fault.code))
        raise
    context.on_change(_change(row, command, output.entity_id))
    await _release(context, run, command, None)
    context.hook(FlowEnded(run.id, row.name, Status.DONE.value, None))
    return to_json(output)


async def _make(context: WorkflowContext, row: Write[Any, Any], run: Run, command: Command) -> WorkflowOutput:
    """Return the output of the workflow. Raises StepFailed."""
    if not row.is_supported_by(context.publisher):
        # It was begun by a gateway with another dialect.
        error = unsupported(row.name)
        raise StepFailed(Fault(error.code, error.message))
    authorization = context.authorization(run.id, row.right, command.account)
    return await row.workflow(RunContext(context, run, authorization), command).make()


def _change(row: Write[Any, Any], command: Command, entity_id: str | None) -> EntityChanged:
    return EntityChanged(command.account, row.reference(entity_id), row.invalidates)


async def _release(context: WorkflowContext, run: Run, command: Command, fault: Fault | None) -> None:
    """Release the files of the workflow, unless a retry may need them."""
    if fault is not None and may_be_mended(fault):
        return
    # The next sweep releases the rest: a workflow that has ended is no longer a holder.
    with contextlib.suppress(FlowsUnavailable):
        for sha256 in command.files:
            await context.files.release(sha256, run.id)
