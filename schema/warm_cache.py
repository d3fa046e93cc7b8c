"""The mutation that buys data ahead."""

from __future__ import annotations

from typing import Annotated, Self

import strawberry
from graphql import GraphQLError
from strawberry.federation.schema_directives import Cost
from strawberry.scalars import JSON

from gateway.billing.bill import BillingRecord, Source
from gateway.domain.rights import OPERATING, RIGHTS
from gateway.errors import GatewayError, InvalidInput
from schema.context import Info
from schema.cost_directives import OWN, PRICING
from schema.inputs import as_variables

MOST = 10  # operations of one mutation: as many as one operation may price


@strawberry.input(description="An operation whose data is to be cached.")
class WarmedOperationInput:
    document: str = strawberry.field(description="GraphQL document of a query, or the id or hash of a stored document.")
    variables: JSON | None = strawberry.field(default=None, description="Variables of the operation, as an object.")
    operation_name: str | None = strawberry.field(
        default=None, description="Name of the operation; required if the document has several."
    )


@strawberry.input(description="The operations whose data is to be cached, and what that may cost.")
class WarmCacheInput:
    operations: list[WarmedOperationInput] = strawberry.field(description=f"At most {MOST} operations.")
    max_requests: int | None = strawberry.field(
        default=None, description="Maximum cost of all of them in billed requests, below the client's own ceiling."
    )


@strawberry.type(description="A failure to cache some data of an operation.")
class WarmCacheError:
    path: str | None = strawberry.field(
        description="Response keys joined by dots, without list indices; null if nothing of the operation was bought."
    )
    code: str = strawberry.field(description="The code of the error.")
    message: str = strawberry.field(description="The error, in words.")

    @classmethod
    def of(cls, problem: GatewayError | GraphQLError, path: str | None = None) -> Self:
        code = problem.code if isinstance(problem, GatewayError) else (problem.extensions or {}).get("code")
        return cls(path=path, code=str(code or "BAD_USER_INPUT"), message=problem.message)


@strawberry.type(description="An operation whose data is cached now, except for the errors.")
class WarmedOperation:
    charged: int = strawberry.field(description="Billed requests that it has cost.")
    calls: int = strawberry.field(description="Number of requests to the upstream that it has made.")
    stale: int = strawberry.field(description="Number of requests that failed where a stale answer is cached.")
    errors: list[WarmCacheError] = strawberry.field(
        description="The errors, also those that are answers and cached, such as NOT_FOUND."
    )

    @classmethod
    def of(cls, bill: BillingRecord) -> Self:
        return cls(
            charged=bill.charged,
            calls=sum(line.source is Source.BOUGHT for line in bill.lines),
            stale=len(bill.stale),
            errors=[WarmCacheError.of(line.problem, line.purchase.path) for line in bill.lines if line.problem],
        )

    @classmethod
    def refused(cls, problem: GatewayError | GraphQLError) -> Self:
        return cls(charged=0, calls=0, stale=0, errors=[WarmCacheError.of(problem)])


@strawberry.type(description="The outcome of `warmCache`.")
class WarmCachePayload:
    operations: list[WarmedOperation] = strawberry.field(description="The operations, in the order of the input.")
    charged: int = strawberry.field(description="Billed requests that all of them have cost.")


Input = Annotated[WarmCacheInput, strawberry.argument(description="The operations, and what they may cost.")]


@strawberry.type
class CacheWarming:
    """The field that buys data ahead."""

    @strawberry.mutation(
        description="Buys and caches what queries need, without executing them, within the budget of the requesting "
        "client. An error of one operation does not end the others.",
        directives=[Cost(weight=MOST * PRICING.weight), OWN],
        metadata={RIGHTS: OPERATING},
    )
    async def warm_cache(self, info: Info, input: Input) -> WarmCachePayload:
        if not 1 <= len(input.operations) <= MOST:
            raise InvalidInput(f"input.operations must have 1 to {MOST} entries.", field="input.operations")
        if input.max_requests is not None:
            if input.max_requests < 0:
                raise InvalidInput("input.maxRequests must not be negative.", field="input.maxRequests")
            info.context.fetcher.budget.lower(input.max_requests)
        operations = [await _warmed(info, each) for each in input.operations]
        return WarmCachePayload(operations=operations, charged=sum(each.charged for each in operations))


async def _warmed(info: Info, operation: WarmedOperationInput) -> WarmedOperation:
    try:
        variables = as_variables(operation.variables)
        return WarmedOperation.of(await info.context.warmer()(operation.document, variables, operation.operation_name))
    except (GatewayError, GraphQLError) as problem:
        return WarmedOperation.refused(problem)
