"""The connected account: an account of the platform that the gateway has a token for."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import strawberry

from gateway.accounts.account_records import ConnectionState
from gateway.accounts.account_views import AccountView
from gateway.accounts.providers import Capability, ConnectScope
from gateway.domain.ids import UserId
from gateway.domain.rights import Right
from gateway.errors import Forbidden
from gateway.planner.selection import Relation
from schema.context import Info
from schema.enums import describe_enum
from schema.fields import relation
from schema.types.flow import moment
from schema.types.user import User

describe_enum(
    ConnectionState,
    "ConnectionState",
    "The state of a connected account.",
    {
        ConnectionState.CONNECTED: "The gateway can publish for it.",
        ConnectionState.EXPIRING: "Its token expires within a week, and could not be refreshed yet.",
        ConnectionState.RECONNECT_REQUIRED: "The platform accepts no token of it. Its flows wait for a reconnection.",
        ConnectionState.RESTRICTED: "The platform restricts its actions for some time.",
        ConnectionState.DISCONNECTED: "The gateway has forgotten its token.",
    },
)
describe_enum(
    Capability,
    "Capability",
    "An ability that the permissions of a connected account give.",
    {
        Capability.PUBLISH_MEDIA: "Publishes posts.",
        Capability.PUBLISH_STORY: "Publishes stories.",
        Capability.HIGHLIGHTS: "Creates, updates and deletes highlights.",
        Capability.TOGGLE_COMMENTS: "Allows and forbids comments.",
        Capability.COMMENT: "Comments.",
        Capability.HIDE_COMMENT: "Hides comments.",
        Capability.LIKE: "Likes media.",
        Capability.FOLLOW: "Follows accounts.",
        Capability.MEDIA_INSIGHTS: "Reads the insights of its media.",
        Capability.ACCOUNT_INSIGHTS: "Reads the insights of the account.",
        Capability.EVENTS: "Sends events.",
    },
)
describe_enum(
    ConnectScope,
    "ConnectScope",
    "A permission to ask the owner of an account for.",
    {
        ConnectScope.BASIC: "To see the account and its media. It is always asked for.",
        ConnectScope.PUBLISH: "To publish.",
        ConnectScope.COMMENTS: "To manage comments.",
        ConnectScope.INSIGHTS: "To read insights.",
    },
)


@strawberry.type(description="An account that the gateway has a token for.")
class ConnectedAccount:
    id: strawberry.ID = strawberry.field(description="The platform's numeric id of its user.")
    state: ConnectionState = strawberry.field(description="Whether its token is accepted.")
    scopes: list[str] = strawberry.field(
        description="The permissions that its owner gave, as the platform names them; empty for the operator's token."
    )
    capabilities: list[Capability] = strawberry.field(description="The abilities that these permissions give.")
    token_expires_at: datetime | None = strawberry.field(
        description="When its token expires; null if that is not known. The gateway refreshes it long before."
    )

    @relation(Relation.ACCOUNTS, "The user.")
    def user(self, info: Info) -> User:
        if Right.READ not in info.context.client.rights:  # a mutation's payload needs no right to read
            raise Forbidden("This client lacks the right `read`.", right=Right.READ.value)
        return User.of(info, UserId(self.id), embedded=None)

    @classmethod
    def of(cls, view: AccountView) -> Self:
        return cls(
            id=strawberry.ID(view.id),
            state=view.state,
            scopes=list(view.scopes),
            capabilities=[ability for ability in Capability if ability in view.capabilities],
            token_expires_at=moment(view.expires_at),
        )
