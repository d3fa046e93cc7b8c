"""The payload of `setLike`."""

from __future__ import annotations

from typing import Self

import strawberry

from schema.publishing import MutationOutcome, UserError, id_when_done, payload_fields
from schema.types.flow import Flow


@strawberry.type(description="The outcome of `setLike`.")
class SetLikePayload:
    flow: Flow | None = strawberry.field(description="The flow that sets it; null after an input error.")
    media_id: strawberry.ID | None = strawberry.field(description="The id of the media; null until the like is set.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")

    @classmethod
    def of(cls, outcome: MutationOutcome) -> Self:
        id = id_when_done(outcome)
        return cls(media_id=None if id is None else strawberry.ID(id), **payload_fields(outcome))
