"""Access tokens of the publishing accounts, their refresh, and requests authorized with them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected, GatewayError, NotFound, PublishingError
from gateway.events import Hook, TokenRefreshed
from gateway.single_flight import SingleFlight
from gateway.upstream.client.availability import Access

T = TypeVar("T")


class AccessTokens(Protocol):
    """The gateway's access tokens. Only the request that needs a token receives it."""

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        """Call `send` with the account's token and return its result.

        A rejected token is refreshed once, if the platform supports that, and `send` is called again: a rejected
        request had no effect. Raises AccountDisconnected if no token is accepted, UpstreamError, and the errors of
        `send`.
        """

    async def accounts(self) -> Sequence[Account]:
        """Return the accounts of the tokens. Raises AccountDisconnected and UpstreamError."""


class AccessToken:
    """The token of one account: the configured one, or a refreshed one, which only this process knows.

    The owning account is looked up once; requests for any other account are rejected. `owner(token)` looks it up.
    `refresh(account id, token)` returns a token that replaces `token`, and raises PublishingError or NotFound if there
    is none. The id is empty until it is known.
    """

    def __init__(
        self,
        token: str,
        owner: Callable[[str], Awaitable[Account]],
        hook: Hook,
        refresh: Callable[[str, str], Awaitable[str]] | None = None,
        access: Access | None = None,
    ) -> None:
        self._configured = self._token = token
        self._owner = owner
        self._hook = hook
        self._refresh = refresh
        self._access = access
        self._account: Account | None = None
        self._lookups: SingleFlight[None, Account] = SingleFlight()
        self._refreshes: SingleFlight[str, None] = SingleFlight()

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        if (await self._owning_account()).id != account:
            raise AccountDisconnected("The gateway holds no token for this account.")
        return await self._send(send)

    async def accounts(self) -> Sequence[Account]:
        return [await self._owning_account()]

    async def _owning_account(self) -> Account:
        if self._account is None:
            self._account = await self._lookups.result(None, lambda: self._send(self._owner))
        return self._account

    async def _send(self, send: Callable[[str], Awaitable[T]]) -> T:
        """Send, and report the final result only: a token that was rejected and refreshed is no failure."""
        try:
            sent = await self._send_with_refresh(send)
        except GatewayError as problem:
            self._report(problem)
            raise
        self._report(None)
        return sent

    def _report(self, problem: GatewayError | None) -> None:
        if self._access is not None:
            self._access.note(problem)

    async def _send_with_refresh(self, send: Callable[[str], Awaitable[T]]) -> T:
        token = self._token
        try:
            return await send(token)
        except AccountDisconnected:
            if self._token == token:
                await self._refreshes.result(token, self._replace)
            if self._token == token:
                raise
        return await send(self._token)

    async def _replace(self) -> None:
        """Replace the token by a refreshed one, or else by the configured one. Raises UpstreamError."""
        if self._refresh is None:
            return
        refused, fresh = self._token, None
        try:
            fresh = await self._refresh(self._account.id if self._account else "", refused)
        except AccountDisconnected:
            # An expired configured token stays expired. A refreshed one may have expired before the configured one.
            if refused == self._configured:
                self._refresh = None
        except (PublishingError, NotFound):
            pass
        if fresh in (None, refused):
            self._token = self._configured
        else:
            self._token = fresh
            self._hook(TokenRefreshed())
