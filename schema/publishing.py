"""Payloads of the mutations."""

from __future__ import annotations

from typing import Any, Self, TypeAlias

import strawberry

from gateway.domain.input_errors import UserErrorCode
from gateway.errors import GatewayError
from gateway.publishing.commands import OnMediaError, OnQuota
from gateway.publishing.inputs import InputProblem
from gateway.publishing.phases import FlowState
from gateway.publishing.views import WorkflowView
from schema.context import Info
from schema.enums import describe_enum
from schema.fields import resolved_late
from schema.types.flow import Flow, made
from schema.types.highlight import Highlight

MutationOutcome: TypeAlias = WorkflowView | tuple[InputProblem, ...]

describe_enum(
    OnMediaError,
    "OnMediaError",
    "The policy for a medium that fails for good.",
    {
        OnMediaError.FAIL: "The flow fails.",
        OnMediaError.SKIP: "The flow continues without the medium, as long as another one is left.",
    },
)
describe_enum(
    OnQuota,
    "OnQuota",
    "The policy for an exhausted publishing quota of the account.",
    {
        OnQuota.WAIT: "The flow waits until enough of the quota is free, at most a day.",
        OnQuota.FAIL: "The flow fails at once.",
    },
)
describe_enum(
    UserErrorCode,
    "UserErrorCode",
    "The kind of an input error.",
    {
        UserErrorCode.REQUIRED: "The value is missing or empty, or not exactly one of several alternatives is given.",
        UserErrorCode.INVALID: "The value has an invalid form.",
        UserErrorCode.TOO_LONG: "The value has too many characters or entries.",
        UserErrorCode.OUT_OF_RANGE: "The number is outside its range.",
        UserErrorCode.DUPLICATE: "The medium occurs twice.",
        UserErrorCode.UNKNOWN_ACCOUNT: "The client may not publish for the account.",
        UserErrorCode.NOT_PUBLIC: "The URL is not https, or its host is not public.",
        UserErrorCode.FORMAT: "The file, or the URL's target, has an unsupported type.",
        UserErrorCode.DAMAGED: "The file is unreadable or truncated.",
        UserErrorCode.TOO_LARGE: "The file has too many bytes or pixels.",
        UserErrorCode.CODEC: "The video has an unsupported codec.",
        UserErrorCode.DURATION: "The video is too short or too long.",
        UserErrorCode.DIMENSIONS: "The video has an unsupported width or height.",
        UserErrorCode.FRAME_RATE: "The video has an unsupported frame rate.",
        UserErrorCode.BAD_USER_INPUT: "The flow cannot be changed in this way.",
        UserErrorCode.FORBIDDEN: "The client may no longer publish for the flow's account.",
        UserErrorCode.NOT_FOUND: "The flow does not exist, or is another client's.",
        UserErrorCode.UNSUPPORTED_BY_PLATFORM: "The publishing upstream of this gateway does not support it.",
    },
)


@strawberry.type(description="An input error. Nothing was started.")
class UserError:
    field: list[str] = strawberry.field(description="The path of the field, from `input` down.")
    code: UserErrorCode = strawberry.field(description="The kind of error.")
    message: str = strawberry.field(description="The error and its remedy, in words.")

    @classmethod
    def of(cls, problem: InputProblem) -> Self:
        return cls(field=["input", *problem.field], code=problem.code, message=problem.message)


@strawberry.type(description="The outcome of `createHighlight`.")
class CreateHighlightPayload:
    flow: Flow | None = strawberry.field(description="The flow that creates it; null after an input error.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")

    @resolved_late("The new highlight; null until it exists.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self.flow)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        return cls(**payload_fields(outcome))


@strawberry.type(description="The outcome of `updateHighlight`.")
class UpdateHighlightPayload:
    flow: Flow | None = strawberry.field(description="The flow that updates it; null after an input error.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")

    @resolved_late("The updated highlight; null until it is updated.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self.flow)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        return cls(**payload_fields(outcome))


@strawberry.type(description="The outcome of `deleteHighlight`.")
class DeleteHighlightPayload:
    flow: Flow | None = strawberry.field(description="The flow that deletes it; null after an input error.")
    deleted_id: strawberry.ID | None = strawberry.field(
        description="The id of the deleted highlight; null until it is deleted."
    )
    user_errors: list[UserError] = strawberry.field(description="All input errors.")

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        pk = id_when_done(outcome)
        return cls(deleted_id=None if pk is None else strawberry.ID(f"highlight:{pk}"), **payload_fields(outcome))


@strawberry.type(description="The outcome of `cancelFlow` and `retryFlow`.")
class FlowPayload:
    flow: Flow | None = strawberry.field(description="The flow as it is now; null after an input error.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")

    @classmethod
    def of(cls, view: WorkflowView) -> Self:
        return cls(**payload_fields(view))

    @classmethod
    def refused(cls, problem: GatewayError) -> Self:
        error = UserError(field=["id"], code=UserErrorCode(problem.code), message=problem.message)
        return cls(flow=None, user_errors=[error])


def payload_fields(outcome: MutationOutcome) -> dict[str, Any]:
    """Return the fields common to all payloads: the flow, or the input errors."""
    if isinstance(outcome, tuple):
        return {"flow": None, "user_errors": [UserError.of(problem) for problem in outcome]}
    return {"flow": Flow.of(outcome), "user_errors": []}


def id_when_done(outcome: MutationOutcome) -> str | None:
    """Return the id of the write's entity once the write is done."""
    return outcome.entity_id if isinstance(outcome, WorkflowView) and outcome.state is FlowState.DONE else None
