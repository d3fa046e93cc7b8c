"""The query root."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.scalars import JSON

from gateway.domain import pages
from gateway.domain.ids import UserId, highlight_id, highlight_key, user_key
from gateway.errors import GatewayError, InvalidInput
from gateway.planner.selection import Relation, Root
from gateway.publishing.views import FlowState
from gateway.reads.facts import EntityType
from schema.context import Info
from schema.cost_directives import OWN, PAGED, PRICING, UNPAGED
from schema.fields import relation
from schema.inputs import HighlightBy, UserBy, one_of_value
from schema.types.allowance import Allowance
from schema.types.connection import After, First
from schema.types.flow import Flow, FlowConnection
from schema.types.highlight import Highlight, highlight
from schema.types.price import Price
from schema.types.user import User

K = TypeVar("K")
Ids = Annotated[list[strawberry.ID], strawberry.argument(description="`highlight:<pk>` each, or the pk alone.")]
Document = Annotated[str, strawberry.argument(description="A GraphQL document, or the id or hash of a stored one.")]
Variables = Annotated[JSON | None, strawberry.argument(description="Its variables.")]
OperationName = Annotated[str | None, strawberry.argument(description="Which of its operations, if there are several.")]

FlowId = Annotated[strawberry.ID, strawberry.argument(description="Which flow.")]
FlowAccount = Annotated[strawberry.ID | None, strawberry.argument(description="Only those for this account.")]
OnlyState = Annotated[FlowState | None, strawberry.argument(description="Only those in this state.")]


@strawberry.type
class Query:
    @relation(Root(EntityType.USER), "One user; null, with an error, where it cannot be had.", shared=True)
    def user(self, info: Info, by: UserBy) -> User | None:
        return User.of(info, user_key(one_of_value(by), field="by"))

    @relation(
        Root(EntityType.USER, many=True),
        "Users in the order asked for; null, with an error, for each that cannot be had.",
        shared=True,
        directives=[UNPAGED],
    )
    def users(self, info: Info, by: list[UserBy]) -> list[User | None]:
        return each(enumerate(by), lambda at: User.of(info, user_key(one_of_value(at[1]), field=f"by[{at[0]}]")))

    @relation(Root(EntityType.HIGHLIGHT), "One highlight; null, with an error, where it cannot be had.", shared=True)
    def highlight(self, info: Info, by: HighlightBy) -> Highlight | None:
        return highlight(info, highlight_key(one_of_value(by), field="by"))  # type: ignore[return-value]

    @relation(
        Root(EntityType.HIGHLIGHT, "ids", many=True),
        "Highlights in the order asked for; null, with an error, for each that cannot be had.",
        shared=True,
        directives=[UNPAGED],
    )
    def highlights(self, info: Info, ids: Ids) -> list[Highlight | None]:
        return each(enumerate(ids), lambda at: highlight(info, highlight_id(at[1], field=f"ids[{at[0]}]")))

    @strawberry.field(description="What an operation would cost now. Asking spends nothing.", directives=[PRICING, OWN])
    async def price(
        self, info: Info, document: Document, variables: Variables = None, operation_name: OperationName = None
    ) -> Price:
        context = info.context
        estimate = await context.quote(document, as_variables(variables), operation_name)
        return Price.of(estimate, within_budget=context.buyer.purse.covers(estimate.upper))

    @strawberry.field(description="What the asking client may still spend.", directives=[OWN])
    def allowance(self, info: Info) -> Allowance:
        return Allowance.of(info.context.client, info.context.buyer.purse)

    @relation(Relation.ACCOUNTS, "The accounts that the asking client may publish for.")
    def accounts(self, info: Info) -> list[User]:
        return [User.of(info, UserId(account), rides=None) for account in info.context.accounts]

    @strawberry.field(description="A flow of the asking client; null where there is none by this id.")
    async def flow(self, info: Info, id: FlowId) -> Flow | None:
        context = info.context
        receipt = await context.writing().publishing.receipt(context.client.id, id)
        return None if receipt is None else Flow.of(receipt)

    @strawberry.field(description="The flows of the asking client, newest first.", directives=[PAGED])
    async def flows(
        self,
        info: Info,
        account: FlowAccount = None,
        state: OnlyState = None,
        first: First = pages.LARGEST_PAGE,
        after: After = None,
    ) -> FlowConnection:
        window = pages.window({"first": first, "after": after})
        page = await info.context.writing().publishing.receipts(
            info.context.client.id, account=account, state=state, first=window.first, after=window.after
        )
        return FlowConnection.of(page, has_previous=after is not None)


def as_variables(value: object) -> dict[str, Any] | None:
    """Return the variables. Raise InvalidInput."""
    if value is None or isinstance(value, dict):
        return value
    raise InvalidInput("variables must be an object.", field="variables")


def each(keys: Iterable[K], find: Callable[[K], Any]) -> list[Any]:
    """Return the result for each key. An error replaces only its own entry."""
    return [_or_error(find, key) for key in keys]


def _or_error(find: Callable[[K], Any], key: K) -> Any:
    try:
        return find(key)
    except GatewayError as problem:
        return problem  # GraphQL execution raises it at this entry
