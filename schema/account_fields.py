"""The fields that show, connect and disconnect accounts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import strawberry

from gateway.accounts.account_records import TooManyPending
from gateway.accounts.providers import ConnectScope
from gateway.domain.input_errors import UserErrorCode
from gateway.domain.rights import CONNECTING, RIGHTS
from gateway.planner.selection import ONE_ACCOUNT
from schema.context import Connections, Info
from schema.cost_directives import WORK
from schema.publishing import UserError
from schema.types.connected_account import ConnectedAccount
from schema.types.flow import moment

AccountId = Annotated[strawberry.ID, strawberry.argument(description="The id of the account.")]
USUAL_SCOPES = (ConnectScope.BASIC, ConnectScope.PUBLISH)


@strawberry.input(description="Input of `connectAccount`.")
class ConnectAccountInput:
    return_to: str = strawberry.field(
        description="The URL to which the browser returns. Its origin must be one that the operator allows. It gets "
        "the parameter `connection`: `connected` (with `account`), `denied`, `failed`, `not_allowed` or "
        "`other_account`."
    )
    scopes: list[ConnectScope] | None = strawberry.field(
        default_factory=lambda: list(USUAL_SCOPES),
        description="The permissions to ask for. The owner may give fewer: see `capabilities`.",
    )
    reconnect: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the account to reconnect; any other one is refused then."
    )


@strawberry.input(description="Input of `disconnectAccount`.")
class DisconnectAccountInput:
    account: strawberry.ID = strawberry.field(description="The id of the account: one of `accounts`.")


@strawberry.type(description="The outcome of `connectAccount`.")
class ConnectAccountPayload:
    authorize_url: str | None = strawberry.field(
        description="The URL of the platform's page to send the browser to; null after an input error."
    )
    expires_at: datetime | None = strawberry.field(description="When the consent must have ended.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")


@strawberry.type(description="The outcome of a mutation of a connected account.")
class ConnectedAccountPayload:
    account: ConnectedAccount | None = strawberry.field(description="The account; null after an input error.")
    user_errors: list[UserError] = strawberry.field(description="All input errors.")


@strawberry.type
class AccountQueries:
    @strawberry.field(description="The accounts that the requesting client may write for, or connect.")
    def accounts(self, info: Info) -> list[ConnectedAccount]:
        if info.context.writes is None:
            return []
        now = info.context.fetcher.services.clock.now()
        views = (info.context.writes.connections.view(id, now) for id in info.context.accounts)
        return [ConnectedAccount.of(view) for view in views if view is not None]

    @strawberry.field(
        description="One of `accounts`; null if there is none with this id.", metadata={ONE_ACCOUNT: "id"}
    )
    def account(self, info: Info, id: AccountId) -> ConnectedAccount | None:
        if info.context.writes is None:
            return None
        view = info.context.writes.connections.view(id, info.context.fetcher.services.clock.now())
        return None if view is None else ConnectedAccount.of(view)


@strawberry.type
class AccountConnectionControl:
    """The fields that connect and disconnect accounts."""

    @strawberry.mutation(
        description="Begins the connection of an account: `authorizeUrl` is where its owner consents.",
        directives=[WORK],
        metadata={RIGHTS: CONNECTING},
    )
    async def connect_account(
        self, info: Info, input: Annotated[ConnectAccountInput, strawberry.argument(description="The connection.")]
    ) -> ConnectAccountPayload:
        connections = info.context.writing().connections
        errors = _errors_of(connections, input)
        if not errors:
            try:
                begun = await connections.begin(
                    input.return_to, USUAL_SCOPES if input.scopes is None else input.scopes, input.reconnect
                )
                return ConnectAccountPayload(
                    authorize_url=begun.authorize_url, expires_at=moment(begun.expires_at), user_errors=[]
                )
            except TooManyPending:
                text = "Too many connections were begun and did not end: try again in ten minutes."
                errors = [UserError(field=["input"], code=UserErrorCode.OUT_OF_RANGE, message=text)]
        return ConnectAccountPayload(authorize_url=None, expires_at=None, user_errors=errors)

    @strawberry.mutation(
        description="Forgets the token of an account. Its flows end at their next request to the platform.",
        directives=[WORK],
        metadata={RIGHTS: CONNECTING},
    )
    async def disconnect_account(
        self, info: Info, input: Annotated[DisconnectAccountInput, strawberry.argument(description="The account.")]
    ) -> ConnectedAccountPayload:
        connections = info.context.writing().connections
        if input.account not in connections.ids:
            return ConnectedAccountPayload(account=None, user_errors=[_unknown("account")])
        if connections.is_configured(input.account):
            text = "This account is that of the operator's token, which only the operator can remove."
            error = UserError(field=["input", "account"], code=UserErrorCode.INVALID, message=text)
            return ConnectedAccountPayload(account=None, user_errors=[error])
        view = await connections.disconnect(input.account)
        return ConnectedAccountPayload(account=None if view is None else ConnectedAccount.of(view), user_errors=[])


def _errors_of(connections: Connections, input: ConnectAccountInput) -> list[UserError]:
    errors = []
    if not connections.may_return_to(input.return_to):
        text = "The browser may return to URLs of allowed origins alone: the operator sets GATEWAY_RETURN_ORIGINS."
        errors.append(UserError(field=["input", "returnTo"], code=UserErrorCode.INVALID, message=text))
    if input.reconnect is not None and input.reconnect not in connections.ids:
        errors.append(_unknown("reconnect"))
    return errors


def _unknown(field: str) -> UserError:
    return UserError(
        field=["input", field], code=UserErrorCode.UNKNOWN_ACCOUNT, message="The client has no such account."
    )
