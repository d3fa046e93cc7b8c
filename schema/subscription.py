"""The root of all subscriptions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from schema.context import Info
from schema.types.flow import Flow

FlowId = Annotated[strawberry.ID, strawberry.argument(description="Which flow.")]


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="A flow of the asking client as it stands, then after each change, until it has ended."
    )
    async def flow(self, info: Info, id: FlowId) -> AsyncIterator[Flow]:
        async for receipt in info.context.writing().publishing.watch(info.context.client.id, id):
            yield Flow.of(receipt)
