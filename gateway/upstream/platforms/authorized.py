"""A courier that sends each request with the token of the account it is for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from gateway.domain.publishing import Account
from gateway.upstream.client.exchange import Reply
from gateway.upstream.platforms.access_tokens import AccessTokens
from gateway.upstream.platforms.client import PublishingClient, RequestSpec

T = TypeVar("T")
W = TypeVar("W")


class AuthenticatedClient:
    """`sign` makes the headers of a token, by the dialect. All raise what Courier and Tokens do."""

    def __init__(self, courier: PublishingClient, tokens: AccessTokens, sign: Callable[[str], dict[str, str]]) -> None:
        self._courier = courier
        self._tokens = tokens
        self._sign = sign

    async def accounts(self) -> Sequence[Account]:
        return await self._tokens.accounts()

    async def carry(self, account: str, ask: RequestSpec, read: Callable[[Reply], T]) -> T:
        def send(token: str) -> Awaitable[T]:
            return self._courier.carry(account, self._signed(ask, token), read)

        return await self._tokens.authorized(account, send)

    async def fetch(
        self, account: str, ask: RequestSpec, decoder: msgspec.json.Decoder[W], make: Callable[[W, Reply], T]
    ) -> T:
        def send(token: str) -> Awaitable[T]:
            return self._courier.fetch(account, self._signed(ask, token), decoder, make)

        return await self._tokens.authorized(account, send)

    async def aclose(self) -> None:
        await self._courier.aclose()

    def _signed(self, ask: RequestSpec, token: str) -> RequestSpec:
        return replace(ask, headers={**ask.headers, **self._sign(token)})
