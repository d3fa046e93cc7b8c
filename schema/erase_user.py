"""The mutation that has all about a person erased."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import strawberry

from gateway.domain.ids import user_id
from gateway.domain.rights import ERASING, RIGHTS
from schema.context import Info
from schema.cost_directives import OWN, WORK

Id = Annotated[strawberry.ID, strawberry.argument(description="Id of the user, connected or only read: a number.")]


@strawberry.type(description="A request to erase a person, which the gateways on these stores carry out.")
class EraseUserPayload:
    confirmation_code: str = strawberry.field(description="Code of the request.")
    url: str = strawberry.field(description="Page that says how far the request is, for anybody who has the code.")
    requested_at: datetime = strawberry.field(
        description="Time of the request: of an earlier one about the same person, if it is not done."
    )


@strawberry.type
class ErasureControl:
    """The field that requests an erasure."""

    @strawberry.mutation(
        description="Requests that all that is stored about a user is erased, in every store and every process.",
        directives=[WORK, OWN],
        metadata={RIGHTS: ERASING},
    )
    async def erase_user(self, info: Info, id: Id) -> EraseUserPayload:
        eraser, user = info.context.erasing(), user_id(id, field="id")
        request = await eraser.request(user.pk, info.context.client.id)
        return EraseUserPayload(
            confirmation_code=request.code,
            url=request.url,
            requested_at=datetime.fromtimestamp(request.requested_at, UTC),
        )
