"""Whose tokens the gateway holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from gateway.domain.publishing import Account
from gateway.errors import AccountDisconnected


class Tokens(Protocol):
    """A token is given to the request that needs it, and to nothing else."""

    async def token(self, account: str) -> str:
        """Raises AccountDisconnected where there is none, and UpstreamError."""

    async def accounts(self) -> Sequence[Account]:
        """Raises AccountDisconnected and UpstreamError."""


class StaticToken:
    """The one that was configured. Whose it is, the upstream says, and is asked once: nothing is published for another.

    `owner` asks it.
    """

    def __init__(self, token: str, owner: Callable[[str], Awaitable[Account]]) -> None:
        self._token = token
        self._owner = owner
        self._account: Account | None = None
        self._asking = asyncio.Lock()

    async def token(self, account: str) -> str:
        if (await self._known()).id != account:
            raise AccountDisconnected("The gateway holds no token for this account.")
        return self._token

    async def accounts(self) -> Sequence[Account]:
        return [await self._known()]

    async def _known(self) -> Account:
        async with self._asking:
            if self._account is None:
                self._account = await self._owner(self._token)
            return self._account
