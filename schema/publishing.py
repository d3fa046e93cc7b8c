"""Inputs and payloads of the mutations."""

from __future__ import annotations

from typing import Any, Self, TypeAlias

import strawberry

from gateway.errors import GatewayError
from gateway.publishing.commands import OnMediaError, OnQuota
from gateway.publishing.requests import InputProblem
from gateway.publishing.views import FlowState, WorkflowView
from schema.context import Info
from schema.fields import resolved_late
from schema.scalars import URL, Upload
from schema.types.flow import Flow, made
from schema.types.highlight import Highlight

MutationOutcome: TypeAlias = WorkflowView | tuple[InputProblem, ...]
WAIT = 25  # seconds: less than most proxies wait for an answer

strawberry.enum(OnMediaError, name="OnMediaError", description="What becomes of the flow if one of its media fails.")
strawberry.enum(OnQuota, name="OnQuota", description="What becomes of the flow if the day's publications are used up.")


@strawberry.input(one_of=True, description="A medium: exactly one of these.")
class MediaInput:
    url: strawberry.Maybe[URL] = strawberry.field(
        description="A public https URL of a JPEG, MP4 or MOV, which the platform fetches."
    )
    file: strawberry.Maybe[Upload] = strawberry.field(
        description="A JPEG, PNG, WebP, HEIC, MP4 or MOV, sent along. Images are made to fit the platform's limits."
    )
    media_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="A medium that the platform has already.")
    story_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="A story, live or archived.")


@strawberry.input(one_of=True, description="The picture in the tray: exactly one of these.")
class CoverInput:
    index: strawberry.Maybe[int] = strawberry.field(description="The position of one of the media, from 0.")
    url: strawberry.Maybe[URL] = strawberry.field(
        description="A public https URL of a JPEG, which the platform fetches."
    )
    file: strawberry.Maybe[Upload] = strawberry.field(description="An image, sent along.")
    media_id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="A medium that the platform has already.")


@strawberry.input(description="A new highlight. The order of `media` is its order.")
class CreateHighlightInput:
    account: strawberry.ID = strawberry.field(description="For whom to publish: one of `accounts`.")
    title: str = strawberry.field(description="1 to 16 characters.")
    media: list[MediaInput] = strawberry.field(description="1 to 100 media.")
    idempotency_key: strawberry.ID = strawberry.field(
        description="Names this request, so that sending it again does not do it again. 1 to 200 characters."
    )
    cover: CoverInput | None = strawberry.field(default=None, description="Left out: the first of the media.")
    wait_seconds: int | None = strawberry.field(
        default=WAIT, description="How long to wait for the highlight: 0 to 60."
    )
    on_media_error: OnMediaError | None = strawberry.field(
        default=OnMediaError.FAIL, description="What becomes of it if one of the media fails for good."
    )
    on_quota: OnQuota | None = strawberry.field(
        default=OnQuota.WAIT, description="What becomes of it if the account has published all it may today."
    )


@strawberry.input(description="Changes of a highlight.")
class UpdateHighlightInput:
    id: strawberry.ID = strawberry.field(description="Which highlight.")
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Whose it is; may be left out where the client publishes for one account."
    )
    title: str | None = strawberry.field(default=None, description="Its new name, 1 to 16 characters.")
    cover: CoverInput | None = strawberry.field(default=None, description="Its new picture; `index` is among `add`.")
    add: list[MediaInput] | None = strawberry.field(default_factory=list, description="Media to put at its end.")
    remove: list[strawberry.ID] | None = strawberry.field(default_factory=list, description="Ids of items to take out.")
    idempotency_key: strawberry.ID | None = strawberry.field(default=None, description="Names this request.")
    wait_seconds: int | None = strawberry.field(default=WAIT, description="How long to wait for it: 0 to 60.")
    on_quota: OnQuota | None = strawberry.field(
        default=OnQuota.WAIT, description="What becomes of it if the account has published all it may today."
    )


@strawberry.input(description="A highlight to delete. Its items stay in the account's archive.")
class DeleteHighlightInput:
    id: strawberry.ID = strawberry.field(description="Which highlight.")
    account: strawberry.ID | None = strawberry.field(
        default=None, description="Whose it is; may be left out where the client publishes for one account."
    )
    idempotency_key: strawberry.ID | None = strawberry.field(default=None, description="Names this request.")
    wait_seconds: int | None = strawberry.field(default=WAIT, description="How long to wait for it: 0 to 60.")


@strawberry.type(description="What is wrong with the input. Nothing was begun.")
class UserError:
    field: list[str] = strawberry.field(description="Where, from `input` down.")
    code: str = strawberry.field(description="What kind of mistake it is.")
    message: str = strawberry.field(description="What is wrong, and how to mend it.")

    @classmethod
    def of(cls, problem: InputProblem) -> Self:
        return cls(field=["input", *problem.field], code=problem.code, message=problem.message)


@strawberry.type(description="What came of `createHighlight`.")
class CreateHighlightPayload:
    flow: Flow | None = strawberry.field(description="What does it; null where the input is refused.")
    user_errors: list[UserError] = strawberry.field(description="All that is wrong with the input.")

    @resolved_late("The new highlight, once it exists.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self.flow)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        return cls(**_payload_fields(outcome))


@strawberry.type(description="What came of `updateHighlight`.")
class UpdateHighlightPayload:
    flow: Flow | None = strawberry.field(description="What does it; null where the input is refused.")
    user_errors: list[UserError] = strawberry.field(description="All that is wrong with the input.")

    @resolved_late("The highlight as it is now, once it is changed.")
    async def highlight(self, info: Info) -> Highlight | None:
        return await made(info, self.flow)  # type: ignore[no-any-return]

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        return cls(**_payload_fields(outcome))


@strawberry.type(description="What came of `deleteHighlight`.")
class DeleteHighlightPayload:
    flow: Flow | None = strawberry.field(description="What does it; null where the input is refused.")
    deleted_id: strawberry.ID | None = strawberry.field(description="The highlight that is gone, once it is.")
    user_errors: list[UserError] = strawberry.field(description="All that is wrong with the input.")

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        gone = outcome.highlight_pk if isinstance(outcome, WorkflowView) and outcome.state is FlowState.DONE else None
        return cls(deleted_id=None if gone is None else strawberry.ID(f"highlight:{gone}"), **_payload_fields(outcome))


@strawberry.type(description="What came of `cancelFlow` and `retryFlow`.")
class FlowPayload:
    flow: Flow | None = strawberry.field(description="The flow as it stands; null where that cannot be done.")
    user_errors: list[UserError] = strawberry.field(description="What is wrong with the input.")

    @classmethod
    def of(cls, receipt: WorkflowView) -> Self:
        return cls(**_payload_fields(receipt))

    @classmethod
    def refused(cls, problem: GatewayError) -> Self:
        return cls(flow=None, user_errors=[UserError(field=["id"], code=problem.code, message=problem.message)])


def _payload_fields(outcome: MutationOutcome) -> dict[str, Any]:
    """Return the fields common to all payloads: the workflow, or the input errors."""
    if isinstance(outcome, tuple):
        return {"flow": None, "user_errors": [UserError.of(problem) for problem in outcome]}
    return {"flow": Flow.of(outcome), "user_errors": []}
