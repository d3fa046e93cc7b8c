"""The root of all reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

import strawberry
from strawberry.scalars import JSON

from gateway.domain.ids import highlight_id, highlight_key, user_key
from gateway.errors import GatewayError, InvalidInput
from gateway.planner.selection import Edge
from schema.context import Info
from schema.inputs import HighlightBy, UserBy, named
from schema.needs import edge
from schema.types.allowance import Allowance
from schema.types.highlight import Highlight, highlight
from schema.types.price import Price
from schema.types.user import User

K = TypeVar("K")
Ids = Annotated[list[strawberry.ID], strawberry.argument(description="`highlight:<pk>` each, or the pk alone.")]
Document = Annotated[str, strawberry.argument(description="A GraphQL document.")]
Variables = Annotated[JSON | None, strawberry.argument(description="Its variables.")]
OperationName = Annotated[str | None, strawberry.argument(description="Which of its operations, if there are several.")]


@strawberry.type
class Query:
    @edge(Edge.USER, "One user; null, with an error, where it cannot be had.")
    def user(self, info: Info, by: UserBy) -> User | None:
        return User.of(info, user_key(named(by), field="by"))

    @edge(Edge.USERS, "Users in the order asked for; null, with an error, for each that cannot be had.")
    def users(self, info: Info, by: list[UserBy]) -> list[User | None]:
        return each(enumerate(by), lambda at: User.of(info, user_key(named(at[1]), field=f"by[{at[0]}]")))

    @edge(Edge.HIGHLIGHT, "One highlight; null, with an error, where it cannot be had.")
    def highlight(self, info: Info, by: HighlightBy) -> Highlight | None:
        return highlight(info, highlight_key(named(by), field="by"))  # type: ignore[return-value]

    @edge(Edge.HIGHLIGHTS, "Highlights in the order asked for; null, with an error, for each that cannot be had.")
    def highlights(self, info: Info, ids: Ids) -> list[Highlight | None]:
        return each(enumerate(ids), lambda at: highlight(info, highlight_id(at[1], field=f"ids[{at[0]}]")))

    @strawberry.field(description="What an operation would cost now. Asking spends nothing.")
    def price(
        self, info: Info, document: Document, variables: Variables = None, operation_name: OperationName = None
    ) -> Price:
        context = info.context
        estimate = context.quote(document, as_variables(variables), operation_name)
        return Price.of(estimate, within_budget=context.buyer.purse.covers(estimate.upper))

    @strawberry.field(description="What the asking client may still spend.")
    def allowance(self, info: Info) -> Allowance:
        return Allowance.of(info.context.client, info.context.buyer.purse)


def as_variables(value: object) -> dict[str, Any] | None:
    """Raises InvalidInput."""
    if value is None or isinstance(value, dict):
        return value
    raise InvalidInput("variables must be an object.", field="variables")


def each(keys: Iterable[K], find: Callable[[K], Any]) -> list[Any]:
    """What is found for each key. An error takes the place of its own entry only."""
    return [_or_error(find, key) for key in keys]


def _or_error(find: Callable[[K], Any], key: K) -> Any:
    try:
        return find(key)
    except GatewayError as problem:
        return problem  # GraphQL execution raises it at this entry
