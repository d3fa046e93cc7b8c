"""The subscription root."""

from __future__ import annotations

from collections.abc import AsyncIterator

import strawberry

from schema.context import Info
from schema.types.flow import Flow, FlowId

# The work of one event. All subscribers of a workflow are notified of a change together.
EVENT = 100


@strawberry.type(description="Event streams.")
class Subscription:
    @strawberry.subscription(
        description="One flow of the requesting client: its current state, then each change, until the flow ends."
    )
    async def flow(self, info: Info, id: FlowId) -> AsyncIterator[Flow]:
        context = info.context
        async for view in context.writing().publishing.watch(context.client.id, id):
            await context.fetcher.share.take(EVENT)
            yield Flow.of(view)
