"""The flow type: the state, result or failure of one write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Self

import strawberry

from gateway.clients import Right
from gateway.domain import pages
from gateway.domain.ids import HighlightId
from gateway.domain.publishing import EntityRef
from gateway.durable.port import Fault, StepState
from gateway.errors import Forbidden, GatewayError
from gateway.planner.selection import Root
from gateway.publishing.media_item import COVER
from gateway.publishing.phases import FlowState
from gateway.publishing.registry import FlowKind
from gateway.publishing.service import FlowPage
from gateway.publishing.views import StepView, WorkflowView
from gateway.reads.facts import EntityType
from schema.context import Info
from schema.enums import describe_enum
from schema.fields import resolved_late
from schema.flow_error_codes import FlowErrorCode, error_code
from schema.types.connection import PageInfo
from schema.types.highlight import Highlight, highlight

HIGHLIGHT = "Highlight"
FlowId = Annotated[strawberry.ID, strawberry.argument(description="The id of the flow.")]

describe_enum(FlowKind, "FlowKind", "The kind of a flow.", {kind: kind.row.summary for kind in FlowKind})
describe_enum(
    FlowState,
    "FlowState",
    "The state of a flow.",
    {
        FlowState.RECEIVED: "Recorded. No medium is uploaded yet.",
        FlowState.UPLOADING: "Media are being uploaded to the platform.",
        FlowState.PROCESSING: "The platform is processing uploaded media.",
        FlowState.PUBLISHING: "Media are being published as stories.",
        FlowState.APPLYING: "The flow's own effect is being carried out or verified.",
        FlowState.DONE: "Ended successfully.",
        FlowState.FAILED: "Ended with an error.",
        FlowState.CANCELLED: "Ended by `cancelFlow`.",
    },
)
describe_enum(
    StepState,
    "FlowStepState",
    "The state of a step of a flow.",
    {
        StepState.RUNNING: "Being attempted, or waiting for the next attempt.",
        StepState.DONE: "Ended successfully.",
        StepState.FAILED: "Ended with an error.",
    },
)


@strawberry.type(description="The error of a step or a flow.")
class FlowError:
    code: FlowErrorCode = strawberry.field(description="The kind of error.")
    message: str = strawberry.field(description="The error in words.")
    retryable: bool = strawberry.field(description="True if a later attempt may succeed.")
    medium: int | None = strawberry.field(description="The position of the medium that it is about.")

    @classmethod
    def of(cls, fault: Fault | None) -> Self | None:
        if fault is None:
            return None
        medium = fault.extensions.get("medium")
        message = f"Of the cover: {fault.message}" if medium == COVER else fault.message
        position = None if medium == COVER else medium
        return cls(code=error_code(fault.code), message=message, retryable=fault.retryable, medium=position)


@strawberry.type(description="A recorded step of a flow.")
class FlowStep:
    name: str = strawberry.field(description="The name of the step. Its first word names its phase.")
    medium: int | None = strawberry.field(description="The position of the medium that the step works on.")
    state: StepState = strawberry.field(description="The state of the step.")
    attempts: int = strawberry.field(description="The number of attempts.")
    started_at: datetime | None = strawberry.field(description="The time of the first attempt.")
    finished_at: datetime | None = strawberry.field(description="The time at which the step ended.")
    error: FlowError | None = strawberry.field(description="The error of the step, or of its last attempt.")

    @classmethod
    def of(cls, step: StepView) -> Self:
        return cls(
            name=step.name,
            medium=step.medium,
            state=step.state,
            attempts=step.attempts,
            started_at=moment(step.started_at),
            finished_at=moment(step.finished_at),
            error=FlowError.of(step.error),
        )


@strawberry.type(description="A durable workflow that carries out one write. It continues without a waiting client.")
class Flow:
    entity: strawberry.Private[EntityRef | None]
    id: strawberry.ID = strawberry.field(description="The id of the flow, for `flow`, `cancelFlow` and `retryFlow`.")
    kind: FlowKind = strawberry.field(description="The kind of write.")
    account: strawberry.ID = strawberry.field(description="The account that it writes for.")
    state: FlowState = strawberry.field(description="The state of the flow.")
    progress: float = strawberry.field(description="The progress, from 0 to 1.")
    steps: list[FlowStep] = strawberry.field(description="The steps so far, in order.")
    created_at: datetime = strawberry.field(description="The time of the request.")
    updated_at: datetime = strawberry.field(description="The time of the last change.")
    retryable: bool = strawberry.field(description="True if `retryFlow` can resume it.")
    error: FlowError | None = strawberry.field(description="The error that ended it.")
    skipped: list[int] = strawberry.field(description="The positions of media that were left out.")
    leftovers: list[str] = strawberry.field(description="Objects that stay on the platform, and until when.")
    warnings: list[str] = strawberry.field(description="Events that the client should check.")

    @resolved_late("The highlight that it created or updated; null until then, and for other kinds of flows.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, view: WorkflowView) -> Self:
        exists = view.state is FlowState.DONE and not view.kind.row.removes
        return cls(
            entity=view.entity if exists else None,
            id=strawberry.ID(view.id),
            kind=view.kind,
            account=strawberry.ID(view.account),
            state=view.state,
            progress=view.progress,
            steps=[FlowStep.of(step) for step in view.steps],
            created_at=datetime.fromtimestamp(view.created_at, UTC),
            updated_at=datetime.fromtimestamp(view.updated_at, UTC),
            retryable=view.retryable,
            error=FlowError.of(view.fault),
            skipped=list(view.skipped),
            leftovers=list(view.leftovers),
            warnings=list(view.warnings),
        )


@strawberry.type(description="A flow in a list, with its cursor.")
class FlowEdge:
    node: Flow = strawberry.field(description="The flow.")
    cursor: str = strawberry.field(description="The cursor of the flow, for `after`.")


@strawberry.type(description="A page of a list of flows, newest first.")
class FlowConnection:
    nodes: list[Flow] = strawberry.field(description="The flows of this page.")
    edges: list[FlowEdge] = strawberry.field(description="The flows of this page, with their cursors.")
    page_info: PageInfo = strawberry.field(description="The position of this page in the list.")

    @classmethod
    def of(cls, page: FlowPage, *, has_previous: bool) -> Self:
        nodes = [Flow.of(view) for view in page.views]
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
    entity = None if flow is None else flow.entity
    if entity is None or entity.type != HIGHLIGHT:
        return None
    if Right.READ not in info.context.client.rights:
        raise Forbidden("This client lacks the right `read`.", right=Right.READ.value)
    await info.context.foresee(info._raw_info, Root(EntityType.HIGHLIGHT), {"by": {"id": entity.id}})
    try:
        return highlight(info, HighlightId(entity.id))
    except GatewayError as problem:
        return problem


def moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
