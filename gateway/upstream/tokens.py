"""Whose tokens the gateway holds, and what is sent with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected, NotFound, PublishingError, UpstreamInvalidAnswer
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


class StaticToken:
    """The one that was configured. Whose it is, the upstream says, and is asked once: nothing is published for another.

    `owner` asks it. `refresh` has the upstream give another token in the place of one; what it gives is known to this
    process alone.
    """

    def __init__(
        self,
        token: str,
        owner: Callable[[str], Awaitable[Account]],
        hook: Hook,
        refresh: Callable[[str], Awaitable[str]] | None = None,
    ) -> None:
        self._token = token
        self._owner = owner
        self._hook = hook
        self._refresh = refresh
        self._account: Account | None = None
        self._asking = asyncio.Lock()
        self._refreshing = asyncio.Lock()

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
            if (fresh := await self._refreshed(token)) == token:
                raise
        return await send(fresh)

    async def _refreshed(self, refused: str) -> str:
        """`refused` itself where there is no other. Of many that are refused at once, one asks."""
        async with self._refreshing:
            if self._token == refused and self._refresh is not None:
                with contextlib.suppress(PublishingError, NotFound, UpstreamInvalidAnswer):
                    self._token = await self._refresh(refused)
                if self._token == refused:
                    self._refresh = None  # what has expired or was taken back stays so
                else:
                    self._hook(TokenRefreshed())
            return self._token
