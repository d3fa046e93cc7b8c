"""The mutation root: a field for each write of the registry, and the fields that control flows and cached data.

Each write starts a durable workflow and waits for it for a limited time.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from dataclasses import replace
from typing import Annotated, Any

import strawberry
from strawberry.tools import create_type

from gateway.domain.input_errors import UserErrorCode
from gateway.domain.rights import RIGHTS, WRITING
from gateway.errors import Forbidden, InvalidInput, NotFound, UnsupportedByPlatform
from gateway.publishing.inputs import LONGEST_WAIT, InputProblem, WriteInput, fingerprint
from gateway.publishing.registry import FlowKind
from gateway.publishing.views import WorkflowView
from gateway.scheduling import SLICE
from schema.account_fields import AccountConnectionControl
from schema.context import Info
from schema.cost_directives import WORK
from schema.erase_user import ErasureControl
from schema.forget_cached_data import CachedDataControl
from schema.like_payload import SetLikePayload
from schema.publishing import (
    CreateHighlightPayload,
    DeleteHighlightPayload,
    FlowPayload,
    MutationOutcome,
    UpdateHighlightPayload,
)
from schema.types.flow import FlowId
from schema.warm_cache import CacheWarming
from schema.write_inputs import from_graph, graph_input

INPUT = strawberry.argument(description="Input of the write.")
# The payload of each write.
PAYLOADS: dict[FlowKind, type[Any]] = {
    FlowKind.CREATE_HIGHLIGHT: CreateHighlightPayload,
    FlowKind.UPDATE_HIGHLIGHT: UpdateHighlightPayload,
    FlowKind.DELETE_HIGHLIGHT: DeleteHighlightPayload,
    FlowKind.SET_LIKE: SetLikePayload,
}


@strawberry.type
class FlowControl:
    """The fields that control flows."""

    @strawberry.mutation(
        description="Cancels a flow before its next step, unless its own effect has already started.",
        directives=[WORK],
        metadata={RIGHTS: WRITING},
    )
    async def cancel_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _flow_payload(info.context.writing().publishing.cancel(info.context.client.id, id))

    @strawberry.mutation(
        description="Resumes a failed or cancelled flow at the step that failed.",
        directives=[WORK],
        metadata={RIGHTS: WRITING},
    )
    async def retry_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _flow_payload(info.context.writing().publishing.retry(info.context.client.id, id))


def _field_of(kind: FlowKind) -> Any:
    """Return the mutation field of a write."""
    row, payload = kind.row, PAYLOADS[kind]

    async def resolve(info: Info, input: Any) -> Any:
        # So that other requests run between the fields of a mutation: each converts and checks its whole input.
        await info.context.fetcher.share.take(SLICE)
        return payload.of(await _start_and_wait(info, kind, from_graph(input, row.input)))

    resolve.__name__ = row.name
    resolve.__annotations__ = {"info": Info, "input": Annotated[graph_input(row.input), INPUT], "return": payload}
    field: Any = strawberry.mutation(
        resolver=resolve,
        description=row.description,
        directives=[WORK],
        metadata={RIGHTS: frozenset({row.right})},
    )
    field.python_name = row.name
    return field


async def _start_and_wait(info: Info, kind: FlowKind, input: WriteInput) -> MutationOutcome:
    """Return the workflow's state after the wait, or the input errors.

    A request that was received before is not validated again.
    """
    client, writes, row = info.context.client.id, info.context.writing(), kind.row
    request_hash = fingerprint(input, row.hashed_as)
    workflow = await writes.publishing.begun(client, input.key, request_hash) if input.key else None
    if workflow is None:
        accounts = writes.allowed(input.account)
        try:
            writes.publishing.require_support(kind)
        except UnsupportedByPlatform as problem:
            return (InputProblem((), UserErrorCode.UNSUPPORTED_BY_PLATFORM, problem.message),)
        command = await row.check(writes.inspector, input, accounts)
        if isinstance(command, tuple):
            return command
        command = replace(command, request=request_hash)
        workflow = await writes.publishing.begin(client, command, key=input.key or secrets.token_hex(16))
    return await writes.publishing.wait(client, workflow.id, min(max(input.wait_seconds, 0), LONGEST_WAIT))


async def _flow_payload(workflow: Awaitable[WorkflowView]) -> FlowPayload:
    try:
        return FlowPayload.of(await workflow)
    except (Forbidden, InvalidInput, NotFound) as problem:
        return FlowPayload.refused(problem)


def _mutation() -> Any:
    controls: tuple[Any, ...] = (
        *(FlowControl, AccountConnectionControl, CachedDataControl, CacheWarming),
        ErasureControl,
    )
    own = [field for control in controls for field in control.__strawberry_definition__.fields]
    fields = [*map(_field_of, FlowKind), *own]
    return create_type("Mutation", fields, description="Write operations.")


Mutation = _mutation()
