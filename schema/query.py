"""The query root."""

from __future__ import annotations

from typing import Annotated, TypeVar

import strawberry

from gateway.domain import pages
from gateway.domain.ids import highlight_id, highlight_key, user_key
from gateway.planner.selection import Relation, Root
from gateway.publishing.phases import FlowState
from gateway.reads.facts import EntityType
from schema.account_fields import AccountQueries
from schema.billing_queries import BillingQueries
from schema.context import Info
from schema.cost_directives import PAGED_FORWARD, UNPAGED
from schema.fields import relation
from schema.inputs import HighlightBy, UserBy, one_of_value
from schema.key_lists import each
from schema.node import Node, find_node
from schema.operator_queries import OperatorQueries
from schema.post_queries import PostQueries
from schema.search import Search
from schema.types.connection import After, First
from schema.types.flow import Flow, FlowConnection, FlowId
from schema.types.highlight import Highlight, highlight
from schema.types.user import User

K = TypeVar("K")
OneUser = Annotated[UserBy, strawberry.argument(description="Key of the user.")]
Users = Annotated[list[UserBy], strawberry.argument(description="Keys of the users.")]
OneHighlight = Annotated[HighlightBy, strawberry.argument(description="Key of the highlight.")]
Ids = Annotated[
    list[strawberry.ID], strawberry.argument(description="Ids of the highlights, each `highlight:<pk>` or `<pk>`.")
]
NodeId = Annotated[strawberry.ID, strawberry.argument(description="`id` of the object.")]
NodeIds = Annotated[list[strawberry.ID], strawberry.argument(description="`id` of each object.")]
FlowAccount = Annotated[strawberry.ID | None, strawberry.argument(description="Return only flows for this account.")]
OnlyState = Annotated[FlowState | None, strawberry.argument(description="Return only flows in this state.")]


@strawberry.type(description="Read operations.")
class Query(PostQueries, Search, BillingQueries, AccountQueries, OperatorQueries):
    @relation(Root(EntityType.USER), "One user; null, with an error, if it cannot be returned.", shared=True)
    def user(self, info: Info, by: OneUser) -> User | None:
        return User.of(info, user_key(one_of_value(by), field="by"))

    @relation(
        Root(EntityType.USER, many=True),
        "Users in the order of `by`; null, with an error, for each user that cannot be returned.",
        shared=True,
        directives=[UNPAGED],
    )
    def users(self, info: Info, by: Users) -> list[User | None]:
        return each(enumerate(by), lambda at: User.of(info, user_key(one_of_value(at[1]), field=f"by[{at[0]}]")))

    @relation(Root(EntityType.HIGHLIGHT), "One highlight; null, with an error, if it cannot be returned.", shared=True)
    def highlight(self, info: Info, by: OneHighlight) -> Highlight | None:
        return highlight(info, highlight_key(one_of_value(by), field="by"))  # type: ignore[return-value]

    @relation(
        Root(EntityType.HIGHLIGHT, "ids", many=True),
        "Highlights in the order of `ids`; null, with an error, for each highlight that cannot be returned.",
        shared=True,
        directives=[UNPAGED],
    )
    def highlights(self, info: Info, ids: Ids) -> list[Highlight | None]:
        return each(enumerate(ids), lambda at: highlight(info, highlight_id(at[1], field=f"ids[{at[0]}]")))

    @relation(
        Relation.REFERENCES,
        "The object with this `id`, of any type that implements `Node`; null, with an error, if it cannot be returned.",
        shared=True,
    )
    def node(self, info: Info, id: NodeId) -> Node | None:
        return find_node(info, id, field="id")  # type: ignore[no-any-return]

    @relation(
        Relation.REFERENCES,
        "Objects in the order of `ids`; null, with an error, for each object that cannot be returned.",
        shared=True,
        directives=[UNPAGED],
    )
    def nodes(self, info: Info, ids: NodeIds) -> list[Node | None]:
        return each(enumerate(ids), lambda at: find_node(info, at[1], field=f"ids[{at[0]}]"))

    @strawberry.field(description="One flow of the requesting client; null if it has no flow with this id.")
    async def flow(self, info: Info, id: FlowId) -> Flow | None:
        context = info.context
        view = await context.writing().publishing.flow(context.client.id, id)
        return None if view is None else Flow.of(view)

    @strawberry.field(description="Flows of the requesting client, newest first.", directives=[PAGED_FORWARD])
    async def flows(
        self,
        info: Info,
        account: FlowAccount = None,
        state: OnlyState = None,
        first: First = None,
        after: After = None,
    ) -> FlowConnection:
        window = pages.window({"first": first, "after": after})
        page = await info.context.writing().publishing.flows(
            info.context.client.id, account=account, state=state, first=window.size, after=window.after
        )
        return FlowConnection.of(page, has_previous=after is not None)
