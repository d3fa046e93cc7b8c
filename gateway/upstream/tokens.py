"""Whose tokens the gateway holds, and what is sent with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected, NotFound, PublishingError
from gateway.events import Hook, TokenRefreshed

T = TypeVar("T")


class Tokens(Protocol):
    """A token is given to the request that needs it, and to nothing else."""

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        """What `send` makes of the account's token.

        One that is refused is refreshed once, where the platform does that, and `send` called again: what was refused
        had no effect. Raises AccountDisconnected where no token is accepted, UpstreamError, and what `send` raises.
        """

    async def accounts(self) -> Sequence[Account]:
        """Raises AccountDisconnected and UpstreamError."""


class AccountToken:
    """The token of one account: the one that was configured, or what the platform gave in its place, which this process
    alone knows. Whose it is, the upstream says, and is asked once: nothing is published for another.

    `owner` asks it; `refresh` has it give another token to the account of an id, in the place of one. Neither raises
    NotFound for anything that is asked for with the token.
    """

    def __init__(
        self,
        token: str,
        owner: Callable[[str], Awaitable[Account]],
        hook: Hook,
        refresh: Callable[[str, str], Awaitable[str]] | None = None,
    ) -> None:
        self._configured = self._token = token
        self._owner = owner
        self._hook = hook
        self._refresh = refresh
        self._account: Account | None = None
        self._asking = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        if (await self._known()).id != account:
            raise AccountDisconnected("The gateway holds no token for this account.")
        return await self._sent(send)

    async def accounts(self) -> Sequence[Account]:
        return [await self._known()]

    async def _known(self) -> Account:
        async with self._asking:
            if self._account is None:
                self._account = await self._sent(self._owner)
            return self._account

    async def _sent(self, send: Callable[[str], Awaitable[T]]) -> T:
        token = self._token
        try:
            return await send(token)
        except AccountDisconnected:
            if self._token == token:
                await self._replaced()
            if self._token == token:
                raise
        return await send(self._token)

    async def _replaced(self) -> None:
        """All that are refused at once wait for the same answer; whoever goes away leaves it to the others."""
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._replace())
            self._refreshing.add_done_callback(self._end)
        await asyncio.shield(self._refreshing)

    def _end(self, done: asyncio.Task[None]) -> None:
        self._refreshing = None
        if not done.cancelled():
            done.exception()  # those who wait have it, and nobody need be left

    async def _replace(self) -> None:
        """Leaves the token as it is where there is no other. Raises UpstreamError."""
        if self._refresh is None:
            return
        refused = self._token
        try:
            self._token = await self._refresh(self._account.id if self._account else "", refused)
        except AccountDisconnected:
            # What has expired or was taken back stays so; but what was given for it may have ended before it.
            if refused == self._configured:
                self._refresh = None
            self._token = self._configured
        except (PublishingError, NotFound):
            return
        if self._token not in (refused, self._configured):
            self._hook(TokenRefreshed())
