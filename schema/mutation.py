"""The mutation root. Each mutation starts a durable workflow and waits for it for a limited time."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import strawberry

from gateway.errors import Forbidden, InvalidInput, NotFound
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, OnMediaError, OnQuota, UpdateHighlight
from gateway.publishing.requests import (
    CoverRequest,
    CreateRequest,
    DeleteRequest,
    InputProblem,
    MediumRequest,
    UpdateRequest,
    fingerprint,
)
from gateway.publishing.rules import LONGEST_WAIT
from gateway.publishing.views import WorkflowView
from gateway.scheduling import SLICE
from schema.context import Info
from schema.cost_directives import WORK
from schema.publishing import (
    WAIT,
    CoverInput,
    CreateHighlightInput,
    CreateHighlightPayload,
    DeleteHighlightInput,
    DeleteHighlightPayload,
    FlowPayload,
    MediaInput,
    MutationOutcome,
    UpdateHighlightInput,
    UpdateHighlightPayload,
)

T = TypeVar("T")
R = TypeVar("R", CreateRequest, UpdateRequest, DeleteRequest)
Command = TypeVar("Command", CreateHighlight, UpdateHighlight, DeleteHighlight)
FlowId = Annotated[strawberry.ID, strawberry.argument(description="Which flow.")]


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Creates a highlight from media, once for each idempotency key, whatever crashes. Answers when it "
        "exists, or after `waitSeconds` with the flow, which goes on.",
        directives=[WORK],
    )
    async def create_highlight(self, info: Info, input: CreateHighlightInput) -> CreateHighlightPayload:
        await _take_slice(info)
        writes = info.context.writing()
        outcome = _start_and_wait(info, _create(input), writes.inspector.create, writes.publishing.create)
        return CreateHighlightPayload.of(await outcome)

    @strawberry.mutation(description="Changes a highlight: its title, its cover, what is in it.", directives=[WORK])
    async def update_highlight(self, info: Info, input: UpdateHighlightInput) -> UpdateHighlightPayload:
        await _take_slice(info)
        writes = info.context.writing()
        outcome = _start_and_wait(info, _update(input), writes.inspector.update, writes.publishing.update)
        return UpdateHighlightPayload.of(await outcome)

    @strawberry.mutation(description="Deletes a highlight. One that is gone already is deleted.", directives=[WORK])
    async def delete_highlight(self, info: Info, input: DeleteHighlightInput) -> DeleteHighlightPayload:
        await _take_slice(info)
        writes = info.context.writing()
        outcome = _start_and_wait(info, _delete(input), writes.inspector.delete, writes.publishing.delete)
        return DeleteHighlightPayload.of(await outcome)

    @strawberry.mutation(
        description="Ends a flow before its next step, unless the highlight is being made already.", directives=[WORK]
    )
    async def cancel_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _flow_payload(info.context.writing().publishing.cancel(info.context.client.id, id))

    @strawberry.mutation(
        description="Takes up a failed or cancelled flow again, from the step that failed.", directives=[WORK]
    )
    async def retry_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _flow_payload(info.context.writing().publishing.retry(info.context.client.id, id))


async def _take_slice(info: Info) -> None:
    """Take a time slice, so that other requests run between the fields of a mutation.

    Each field converts and checks its whole input.
    """
    await info.context.buyer.share.take(SLICE)


async def _start_and_wait(
    info: Info,
    request: R,
    check: Callable[[R, Collection[str]], Awaitable[Command | tuple[InputProblem, ...]]],
    begin: Callable[..., Awaitable[WorkflowView]],
) -> MutationOutcome:
    """Return the workflow's state after the wait, or the input errors.

    A request that was received before is not validated again.
    """
    client, writes = info.context.client.id, info.context.writing()
    request_hash = fingerprint(request)
    workflow = await writes.publishing.begun(client, request.key, request_hash) if request.key else None
    if workflow is None:
        command = await check(request, writes.allowed())
        if isinstance(command, tuple):
            return command
        workflow = await begin(client, replace(command, request=request_hash), key=request.key or secrets.token_hex(16))
    return await writes.publishing.wait(client, workflow.id, min(max(request.wait_seconds, 0), LONGEST_WAIT))


async def _flow_payload(workflow: Awaitable[WorkflowView]) -> FlowPayload:
    try:
        return FlowPayload.of(await workflow)
    except (Forbidden, InvalidInput, NotFound) as problem:
        return FlowPayload.refused(problem)


def _given_members(one_of: object) -> dict[str, Any]:
    """Return the given members of a oneOf input."""
    return {name: given.value for name, given in vars(one_of).items() if given is not None}


def _or_default(given: T | None, default: T) -> T:
    """Return the default for null: clients send null for inputs that were left empty."""
    return default if given is None else given


def _media(inputs: list[MediaInput]) -> list[MediumRequest]:
    return [MediumRequest(**_given_members(medium)) for medium in inputs]


def _cover(cover: CoverInput | None) -> CoverRequest | None:
    return None if cover is None else CoverRequest(**_given_members(cover))


def _create(input: CreateHighlightInput) -> CreateRequest:
    return CreateRequest(
        account=input.account,
        title=input.title,
        media=_media(input.media),
        cover=_cover(input.cover),
        key=input.idempotency_key,
        wait_seconds=_or_default(input.wait_seconds, WAIT),
        on_media_error=_or_default(input.on_media_error, OnMediaError.FAIL),
        on_quota=_or_default(input.on_quota, OnQuota.WAIT),
    )


def _update(input: UpdateHighlightInput) -> UpdateRequest:
    return UpdateRequest(
        id=input.id,
        account=input.account,
        title=input.title,
        cover=_cover(input.cover),
        add=_media(input.add or []),
        remove=input.remove or [],
        key=input.idempotency_key,
        wait_seconds=_or_default(input.wait_seconds, WAIT),
        on_quota=_or_default(input.on_quota, OnQuota.WAIT),
    )


def _delete(input: DeleteHighlightInput) -> DeleteRequest:
    wait = _or_default(input.wait_seconds, WAIT)
    return DeleteRequest(id=input.id, account=input.account, key=input.idempotency_key, wait_seconds=wait)
