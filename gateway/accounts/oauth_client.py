"""The client of an OAuth provider: the URL of its consent page, and the exchange and the refresh of tokens.

authlib makes the requests of the protocol. They are sent as those of the publishing client are, so that no error and no
event contains a code, a secret or a token, and proxies and limits apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from authlib.common.urls import url_decode
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from gateway.accounts.providers import Provider
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.platforms.client import PublishingClient, RequestSpec
from gateway.upstream.platforms.platform import bearer

# A token is sent in a header.
Token = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,2000}$")]


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a code: a token of an hour. `permissions` is None if the provider does not say which it gave."""

    token: str = field(repr=False)
    user_id: str
    permissions: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token of some weeks. `expires_in` is in seconds, None if the provider does not say."""

    token: str = field(repr=False)
    expires_in: float | None


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a token. `ids` are all of its ids at the provider: the exchange may name the app's own one."""

    ids: frozenset[str]
    username: str


class GrantWire(msgspec.Struct, frozen=True, gc=False):
    """The answer to a code, in one of four shapes: with and without `data`, with `permissions` as text or as a list.

    Raises UndecodableResponse if it lacks the token or the account.
    """

    access_token: Token | None = None
    user_id: str | int | None = None
    permissions: str | list[str] | None = None
    data: list[GrantWire] | None = None

    def grant(self) -> Grant:
        inner = self.data[0] if self.data else self
        if not inner.access_token or inner.user_id is None:
            raise UndecodableResponse
        given = inner.permissions
        names = given.replace(",", " ").split() if isinstance(given, str) else given
        return Grant(inner.access_token, str(inner.user_id), None if names is None else tuple(names))


class IssuedWire(msgspec.Struct, frozen=True, gc=False):
    access_token: Token
    expires_in: float | None = None

    def issued(self) -> IssuedToken:
        return IssuedToken(self.access_token, self.expires_in)


class OwnerWire(msgspec.Struct, frozen=True, gc=False):
    username: str
    id: str | int | None = None
    user_id: str | int | None = None

    def owner(self) -> Owner:
        """Return the owner. Raises UndecodableResponse without an id."""
        ids = frozenset(str(id) for id in (self.id, self.user_id) if id is not None)
        if not ids:
            raise UndecodableResponse
        return Owner(ids, self.username)


GRANT = msgspec.json.Decoder(GrantWire)
ISSUED = msgspec.json.Decoder(IssuedWire)
OWNER = msgspec.json.Decoder(OwnerWire)


class OAuthClient:
    """The client of one provider. `client` sends requests to whole URLs. Methods raise UpstreamError and others."""

    def __init__(
        self, provider: Provider, client: PublishingClient, *, app_id: str, app_secret: str, redirect_uri: str
    ) -> None:
        self.provider = provider
        self.redirect_uri = redirect_uri
        self._client = client
        self._app_id = app_id
        self._app_secret = app_secret

    def authorize_url(self, scopes: Sequence[str], state: str, verifier: str) -> str:
        """Return the URL of the consent page. PKCE (S256) is always sent, also where no document promises it."""
        protocol = OAuth2Client(None, self._app_id, redirect_uri=self.redirect_uri, code_challenge_method="S256")
        url, _ = protocol.create_authorization_url(
            self.provider.authorize_url, state=state, code_verifier=verifier, scope=" ".join(scopes)
        )
        return str(url)

    async def exchange(self, code: str, verifier: str) -> Grant:
        """Exchange a code. A code can be used once, so this is never repeated."""
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self.redirect_uri,
            code=code,
            code_verifier=verifier,
            client_id=self._app_id,
            client_secret=self._app_secret,
        )
        form = dict(url_decode(body))
        spec = RequestSpec("POST", self.provider.exchange_url, "oauth.exchange", "the consent", form=form)
        return await self._client.fetch("", spec, GRANT, lambda wire, _: wire.grant())

    async def long_token(self, token: str) -> IssuedToken:
        """Exchange a token of an hour for one of some weeks."""
        query = {"grant_type": "ig_exchange_token", "client_secret": self._app_secret, "access_token": token}
        return await self._issued("/access_token", "oauth.long_token", "", query)

    async def refresh(self, account: str, token: str) -> IssuedToken:
        """Return a token in the place of `token`, which must be a day old and not expired."""
        query = {"grant_type": "ig_refresh_token", "access_token": token}
        return await self._issued("/refresh_access_token", "oauth.refresh", account, query)

    async def owner(self, token: str) -> Owner:
        """Return the account of a token."""
        url = self.provider.api_url + self.provider.owner_path
        spec = RequestSpec("GET", url, "oauth.owner", "the account", bearer(token))
        return await self._client.fetch("", spec, OWNER, lambda wire, _: wire.owner())

    async def aclose(self) -> None:
        await self._client.aclose()

    async def _issued(self, path: str, label: str, account: str, query: dict[str, Any]) -> IssuedToken:
        spec = RequestSpec("GET", self.provider.api_url + path, label, "the token", query=query)
        return await self._client.fetch(account, spec, ISSUED, lambda wire, _: wire.issued())
