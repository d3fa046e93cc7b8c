"""A publishing client that sends each request with the token of its account."""

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
    """An authenticated client. `sign` returns the headers for a token, in the dialect.

    Its methods raise the errors of PublishingClient and AccessTokens.
    """

    def __init__(self, client: PublishingClient, tokens: AccessTokens, sign: Callable[[str], dict[str, str]]) -> None:
        self._client = client
        self._tokens = tokens
        self._sign = sign

    async def accounts(self) -> Sequence[Account]:
        return await self._tokens.accounts()

    async def carry(self, account: str, spec: RequestSpec, read: Callable[[Reply], T]) -> T:
        def send(token: str) -> Awaitable[T]:
            return self._client.carry(account, self._signed(spec, token), read)

        return await self._tokens.authorized(account, send)

    async def fetch(
        self, account: str, spec: RequestSpec, decoder: msgspec.json.Decoder[W], make: Callable[[W, Reply], T]
    ) -> T:
        def send(token: str) -> Awaitable[T]:
            return self._client.fetch(account, self._signed(spec, token), decoder, make)

        return await self._tokens.authorized(account, send)

    async def aclose(self) -> None:
        await self._client.aclose()

    def _signed(self, spec: RequestSpec, token: str) -> RequestSpec:
        return replace(spec, headers={**spec.headers, **self._sign(token)})
