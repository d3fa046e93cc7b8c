"""The root of all writes. Each is a durable flow; a mutation starts it and waits for a while."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Annotated, Any, TypeVar

import strawberry

from gateway.errors import Forbidden, InvalidInput, NotFound
from gateway.publishing.commands import CreateHighlight, DeleteHighlight, EditHighlight, OnMediaError, OnQuota
from gateway.publishing.requests import (
    CoverRequest,
    CreateRequest,
    DeleteRequest,
    MediumRequest,
    Problem,
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
O = TypeVar("O", CreateHighlight, EditHighlight, DeleteHighlight)  # noqa: E741 (an order)
FlowId = Annotated[strawberry.ID, strawberry.argument(description="Which flow.")]


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Creates a highlight from media, once for each idempotency key, whatever crashes. Answers when it "
        "exists, or after `waitSeconds` with the flow, which goes on.",
        directives=[WORK],
    )
    async def create_highlight(self, info: Info, input: CreateHighlightInput) -> CreateHighlightPayload:
        await _in_turn(info)
        writes = info.context.writing()
        landed = _landed(info, _create(input), writes.inspector.create, writes.publishing.create)
        return CreateHighlightPayload.of(await landed)

    @strawberry.mutation(description="Changes a highlight: its title, its cover, what is in it.", directives=[WORK])
    async def update_highlight(self, info: Info, input: UpdateHighlightInput) -> UpdateHighlightPayload:
        await _in_turn(info)
        writes = info.context.writing()
        landed = _landed(info, _update(input), writes.inspector.update, writes.publishing.edit)
        return UpdateHighlightPayload.of(await landed)

    @strawberry.mutation(description="Deletes a highlight. One that is gone already is deleted.", directives=[WORK])
    async def delete_highlight(self, info: Info, input: DeleteHighlightInput) -> DeleteHighlightPayload:
        await _in_turn(info)
        writes = info.context.writing()
        landed = _landed(info, _delete(input), writes.inspector.delete, writes.publishing.delete)
        return DeleteHighlightPayload.of(await landed)

    @strawberry.mutation(
        description="Ends a flow before its next step, unless the highlight is being made already.", directives=[WORK]
    )
    async def cancel_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _told(info.context.writing().publishing.cancel(info.context.client.id, id))

    @strawberry.mutation(
        description="Takes up a failed or cancelled flow again, from the step that failed.", directives=[WORK]
    )
    async def retry_flow(self, info: Info, id: FlowId) -> FlowPayload:
        return await _told(info.context.writing().publishing.retry(info.context.client.id, id))


async def _in_turn(info: Info) -> None:
    """Others have turns between the fields of a mutation: each makes objects of its whole input, and checks it."""
    await info.context.buyer.share.take(SLICE)


async def _landed(
    info: Info,
    request: R,
    check: Callable[[R, Collection[str]], Awaitable[O | tuple[Problem, ...]]],
    begin: Callable[..., Awaitable[WorkflowView]],
) -> MutationOutcome:
    """What has become of a request after its wait, or what is wrong with it.

    One that was received before is not checked again.
    """
    client, writes = info.context.client.id, info.context.writing()
    asked = fingerprint(request)
    receipt = await writes.publishing.begun(client, request.key, asked) if request.key else None
    if receipt is None:
        order = await check(request, writes.allowed())
        if isinstance(order, tuple):
            return order
        receipt = await begin(client, replace(order, request=asked), key=request.key or secrets.token_hex(16))
    return await writes.publishing.wait(client, receipt.id, min(max(request.wait_seconds, 0), LONGEST_WAIT))


async def _told(receipt: Awaitable[WorkflowView]) -> FlowPayload:
    try:
        return FlowPayload.of(await receipt)
    except (Forbidden, InvalidInput, NotFound) as problem:
        return FlowPayload.refused(problem)


def _given(one_of: object) -> dict[str, Any]:
    """The members that a oneOf input was given."""
    return {name: given.value for name, given in vars(one_of).items() if given is not None}


def _or(given: T | None, default: T) -> T:
    """Where a default is, null means it: clients send null for what nobody has filled in."""
    return default if given is None else given


def _media(inputs: list[MediaInput]) -> list[MediumRequest]:
    return [MediumRequest(**_given(medium)) for medium in inputs]


def _cover(cover: CoverInput | None) -> CoverRequest | None:
    return None if cover is None else CoverRequest(**_given(cover))


def _create(input: CreateHighlightInput) -> CreateRequest:
    return CreateRequest(
        account=input.account,
        title=input.title,
        media=_media(input.media),
        cover=_cover(input.cover),
        key=input.idempotency_key,
        wait_seconds=_or(input.wait_seconds, WAIT),
        on_media_error=_or(input.on_media_error, OnMediaError.FAIL),
        on_quota=_or(input.on_quota, OnQuota.WAIT),
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
        wait_seconds=_or(input.wait_seconds, WAIT),
        on_quota=_or(input.on_quota, OnQuota.WAIT),
    )


def _delete(input: DeleteHighlightInput) -> DeleteRequest:
    wait = _or(input.wait_seconds, WAIT)
    return DeleteRequest(id=input.id, account=input.account, key=input.idempotency_key, wait_seconds=wait)
