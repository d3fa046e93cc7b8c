"""The flow type: the state, result or failure of one write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Self

import strawberry

from gateway.clients import Right
from gateway.domain import pages
from gateway.domain.ids import HighlightId
from gateway.durable.port import Fault, StepState
from gateway.errors import Forbidden, GatewayError
from gateway.planner.selection import Root
from gateway.publishing.media_item import COVER
from gateway.publishing.service import ReceiptPage
from gateway.publishing.views import FlowKind, FlowState, StepReceipt, WorkflowView
from gateway.reads.facts import EntityType
from schema.context import Info
from schema.fields import resolved_late
from schema.types.connection import PageInfo
from schema.types.highlight import Highlight, highlight

strawberry.enum(FlowKind, name="FlowKind", description="What a flow does.")
strawberry.enum(FlowState, name="FlowState", description="Where a flow stands.")
strawberry.enum(StepState, name="FlowStepState", description="Where a step of a flow stands.")


@strawberry.type(description="Why a step or a flow failed.")
class FlowError:
    code: str = strawberry.field(description="One of the documented error codes.")
    message: str = strawberry.field(description="For people.")
    retryable: bool = strawberry.field(description="Whether trying again later may help.")
    medium: int | None = strawberry.field(description="The position of the medium it is about.")

    @classmethod
    def of(cls, fault: Fault | None) -> Self | None:
        if fault is None:
            return None
        medium = fault.extensions.get("medium")
        message = f"Of the cover: {fault.message}" if medium == COVER else fault.message
        place = None if medium == COVER else medium
        return cls(code=fault.code, message=message, retryable=fault.retryable, medium=place)


@strawberry.type(description="One recorded step of a flow.")
class FlowStep:
    name: str = strawberry.field(description="What it does.")
    medium: int | None = strawberry.field(description="The position of the medium it works on.")
    state: StepState = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was tried.")
    started_at: datetime | None = strawberry.field(description="When it was first tried.")
    finished_at: datetime | None = strawberry.field(description="When it ended.")
    error: FlowError | None = strawberry.field(description="Why it failed, or why it is being tried again.")

    @classmethod
    def of(cls, step: StepReceipt) -> Self:
        return cls(
            name=step.name,
            medium=step.medium,
            state=step.state,
            attempts=step.attempts,
            started_at=moment(step.started_at),
            finished_at=moment(step.finished_at),
            error=FlowError.of(step.error),
        )


@strawberry.type(description="A durable sequence of upstream steps. It goes on whether anybody waits for it or not.")
class Flow:
    highlight_pk: strawberry.Private[str | None]
    id: strawberry.ID = strawberry.field(description="Names the flow, for `flow`, `cancelFlow` and `retryFlow`.")
    kind: FlowKind = strawberry.field(description="What it does.")
    account: strawberry.ID = strawberry.field(description="The account it publishes for.")
    state: FlowState = strawberry.field(description="Where it stands.")
    progress: float = strawberry.field(description="How much of it is done, from 0 to 1.")
    steps: list[FlowStep] = strawberry.field(description="What it did so far, in order.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    retryable: bool = strawberry.field(description="Whether `retryFlow` can take it up again.")
    error: FlowError | None = strawberry.field(description="Why it failed.")
    skipped: list[int] = strawberry.field(description="Positions of the media that were left out.")
    leftovers: list[str] = strawberry.field(description="What it left behind upstream, and until when that stays.")
    warnings: list[str] = strawberry.field(description="What happened that should be looked at.")

    @resolved_late("The highlight it made or changed; null until then, and when it is deleted.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, receipt: WorkflowView) -> Self:
        deleted = receipt.kind is FlowKind.DELETE
        return cls(
            highlight_pk=receipt.highlight_pk if receipt.state is FlowState.DONE and not deleted else None,
            id=strawberry.ID(receipt.id),
            kind=receipt.kind,
            account=strawberry.ID(receipt.account),
            state=receipt.state,
            progress=receipt.progress,
            steps=[FlowStep.of(step) for step in receipt.steps],
            created_at=datetime.fromtimestamp(receipt.created_at, UTC),
            updated_at=datetime.fromtimestamp(receipt.updated_at, UTC),
            retryable=receipt.retryable,
            error=FlowError.of(receipt.fault),
            skipped=list(receipt.skipped),
            leftovers=list(receipt.leftovers),
            warnings=list(receipt.warnings),
        )


@strawberry.type(description="An entry of a list of flows with its cursor.")
class FlowEdge:
    node: Flow = strawberry.field(description="The entry.")
    cursor: str = strawberry.field(description="Names this entry, for `after`.")


@strawberry.type(description="A page of a list of flows, newest first.")
class FlowConnection:
    nodes: list[Flow] = strawberry.field(description="The entries of this page.")
    edges: list[FlowEdge] = strawberry.field(description="The entries of this page with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the list.")

    @classmethod
    def of(cls, page: ReceiptPage, *, has_previous: bool) -> Self:
        nodes = [Flow.of(receipt) for receipt in page.receipts]
        cursors = [pages.cursor(node.id) for node in nodes]
        info = PageInfo(
            has_next_page=page.has_next,
            has_previous_page=has_previous,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        )
        edges = [FlowEdge(node=node, cursor=cursor) for node, cursor in zip(nodes, cursors, strict=True)]
        return cls(nodes=nodes, edges=edges, page_info=info)


async def made(info: Info, flow: Flow | None) -> Any:
    """Return the highlight that the workflow determined, after fetching its selection."""
    pk = None if flow is None else flow.highlight_pk
    if pk is None:
        return None
    if Right.READ not in info.context.client.rights:
        raise Forbidden("This client lacks the right `read`.", right=Right.READ.value)
    await info.context.foresee(info._raw_info, Root(EntityType.HIGHLIGHT), {"by": {"id": pk}})
    try:
        return highlight(info, HighlightId(pk))
    except GatewayError as problem:
        return problem


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
