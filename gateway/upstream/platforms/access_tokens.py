"""Whose tokens the gateway holds, and what is sent with them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected, GatewayError, NotFound, PublishingError
from gateway.events import Hook, TokenRefreshed
from gateway.upstream.client.availability import Access

T = TypeVar("T")


class AccessTokens(Protocol):
    """A token is given to the request that needs it, and to nothing else."""

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        """What `send` makes of the account's token.

        One that is refused is refreshed once, where the platform does that, and `send` called again: what was refused
        had no effect. Raises AccountDisconnected where no token is accepted, UpstreamError, and what `send` raises.
        """

    async def accounts(self) -> Sequence[Account]:
        """Raises AccountDisconnected and UpstreamError."""


class AccessToken:
    """The token of one account: the one that was configured, or what the platform gave in its place, which this process
    alone knows. Whose it is, the upstream says, and is asked once: nothing is published for another.

    `owner(token)` asks it; `refresh(account id, token)` gives another token in place of `token`, and raises
    PublishingError or NotFound where there is none. The id is empty as long as it is not known.
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
        self._hook = hook
        self._refresh = refresh
        self._access = access
        self._account: Account | None = None
        self._whose = _Shared(partial(self._sent, owner))
        self._another = _Shared(self._replace)

    async def authorized(self, account: str, send: Callable[[str], Awaitable[T]]) -> T:
        if (await self._known()).id != account:
            raise AccountDisconnected("The gateway holds no token for this account.")
        return await self._sent(send)

    async def accounts(self) -> Sequence[Account]:
        return [await self._known()]

    async def _known(self) -> Account:
        if self._account is None:
            self._account = await self._whose.answer()
        return self._account

    async def _sent(self, send: Callable[[str], Awaitable[T]]) -> T:
        """Told is what came of it in the end: a token that is refused and refreshed is none that fails."""
        try:
            sent = await self._tried(send)
        except GatewayError as problem:
            self._note(problem)
            raise
        self._note(None)
        return sent

    def _note(self, problem: GatewayError | None) -> None:
        if self._access is not None:
            self._access.note(problem)

    async def _tried(self, send: Callable[[str], Awaitable[T]]) -> T:
        token = self._token
        try:
            return await send(token)
        except AccountDisconnected:
            if self._token == token:
                await self._another.answer()
            if self._token == token:
                raise
        return await send(self._token)

    async def _replace(self) -> None:
        """By what the platform gives, or else by the configured one. Raises UpstreamError."""
        if self._refresh is None:
            return
        refused, fresh = self._token, None
        try:
            fresh = await self._refresh(self._account.id if self._account else "", refused)
        except AccountDisconnected:
            # A configured token that has expired stays so. What was given for it may have ended before it.
            if refused == self._configured:
                self._refresh = None
        except (PublishingError, NotFound):
            pass
        if fresh in (None, refused):
            self._token = self._configured
        else:
            self._token = fresh
            self._hook(TokenRefreshed())


class _Shared(Generic[T]):
    """One question. All who ask it at once get the same answer, and whoever goes away leaves it to the others."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._ask = ask
        self._asked: asyncio.Task[T] | None = None

    async def answer(self) -> T:
        if self._asked is None:
            self._asked = asyncio.create_task(self._ask())
            self._asked.add_done_callback(self._end)
        asked = self._asked
        await asyncio.wait((asked,))
        return asked.result()

    def _end(self, asked: asyncio.Task[T]) -> None:
        self._asked = None
        if not asked.cancelled():
            asked.exception()  # else it is complained of when nobody is left who waits
