"""The fields that show what operations cost, and what the client may spend."""

from __future__ import annotations

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from schema.context import Info
from schema.cost_directives import OWN, PRICING
from schema.inputs import as_variables
from schema.types.allowance import Allowance
from schema.types.price import Price

Document = Annotated[str, strawberry.argument(description="GraphQL document, or the id or hash of a stored document.")]
Variables = Annotated[JSON | None, strawberry.argument(description="Variables of the operation, as an object.")]
OperationName = Annotated[
    str | None, strawberry.argument(description="Name of the operation; required if the document has several.")
]


@strawberry.type
class BillingQueries:
    @strawberry.field(
        description="The price of an operation if it ran now. The estimate itself costs nothing.",
        directives=[PRICING, OWN],
    )
    async def price(
        self, info: Info, document: Document, variables: Variables = None, operation_name: OperationName = None
    ) -> Price:
        context = info.context
        estimate = await context.quote(document, as_variables(variables), operation_name)
        return Price.of(estimate, within_budget=context.fetcher.budget.covers(estimate.upper))

    @strawberry.field(description="The allowance of the requesting client. Costs nothing.", directives=[OWN])
    async def allowance(self, info: Info) -> Allowance:
        await info.context.fetcher.budget.allowance.learn()
        return Allowance.of(info.context.client, info.context.fetcher.budget)
