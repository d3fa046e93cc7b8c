"""Composition of the write API and of its OAuth servers: the routes, and the state that a reset clears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx
from starlette.routing import BaseRoute, Route

from gateway.sandbox.fixture_users import NATGEO, PRIVATE, THIRTY
from gateway.sandbox.publishing import aiograpi, platform
from gateway.sandbox.publishing.accounts import Accounts
from gateway.sandbox.publishing.aiograpi import Aiograpi
from gateway.sandbox.publishing.authorization_codes import AuthorizationCodes
from gateway.sandbox.publishing.control import publishing_control
from gateway.sandbox.publishing.keys import Keys
from gateway.sandbox.publishing.likes import Likes
from gateway.sandbox.publishing.oauth import CONTRACT, OAuthServer
from gateway.sandbox.publishing.oauth import INSTAGRAM as INSTAGRAM_LOGIN
from gateway.sandbox.publishing.oauth_control import oauth_control
from gateway.sandbox.publishing.platform import Platform
from gateway.sandbox.publishing.usage import Usage
from gateway.sandbox.publishing.webhooks import Webhooks
from gateway.sandbox.publishing.write_endpoint import Call, Dialect, WriteEndpoint
from gateway.sandbox.publishing.write_state import WriteState
from gateway.sandbox.read_endpoint import SandboxServices
from gateway.sandbox.replies import Reply
from gateway.sandbox.uploaded_media import Gallery
from gateway.sandbox.wire import Wire
from gateway.sandbox.world import World

PLATFORM = "/platform"
AIOGRAPI = "/aiograpi"
INSTAGRAM = "/instagram"
# Accounts that the consent pages offer.
PEOPLE = (NATGEO, THIRTY, PRIVATE)


@dataclass(frozen=True, slots=True)
class Terms:
    """Settings.

    `tokens` map a token to a user pk, `quota` is in publications per rolling day, `calls_per_hour` is per account.
    """

    tokens: Mapping[str, int]
    quota: int
    calls_per_hour: int


class Publishing:
    """The write API. `base_url` is that of the sandbox. Raises ValueError for a token of an unknown user."""

    def __init__(
        self,
        world: World,
        services: SandboxServices,
        gallery: Gallery,
        terms: Terms,
        webhook_transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._services = services
        self.webhooks = Webhooks(services.agenda, services.clock, webhook_transport)
        self.studio = WriteState(
            world, gallery, services.agenda, services.clock, quota=terms.quota, tell=self.webhooks.tell
        )
        self._accounts = Accounts(world, terms.tokens, services.clock)
        self._usage = Usage(services.clock, terms.calls_per_hour)
        self._keys = Keys(services.clock)
        self.likes = Likes(services.clock)
        self._servers: list[OAuthServer] = []

    def clear(self) -> None:
        objects = (self.studio, self.likes, self._accounts, self._usage, self._keys)
        for part in (self.webhooks, self._services.agenda, *objects):
            part.clear()
        for server in self._servers:
            server.clear()

    def routes(self, wire: Wire, base_url: str) -> list[BaseRoute]:
        platform_api = Platform(self.studio, self._accounts, wire, self._usage, self._keys, base_url.rstrip("/"))
        aiograpi_api = Aiograpi(self.studio, self._accounts, wire)
        return [
            *(
                self._route(PLATFORM, platform_api, method, path, partial(call, platform_api))
                for method, path, call in platform.CALLS
            ),
            *(
                self._route(AIOGRAPI, aiograpi_api, method, path, partial(call, aiograpi_api))
                for method, path, call in aiograpi.CALLS
            ),
            *(self._route(PLATFORM, platform_api, *call) for call in self.likes.platform_calls()),
            *(self._route(AIOGRAPI, aiograpi_api, *call) for call in self.likes.aiograpi_calls()),
            *self._oauth_routes(platform_api),
        ]

    def _oauth_routes(self, platform_api: Platform) -> list[Route]:
        contract, instagram = (
            OAuthServer(each, self._accounts, AuthorizationCodes(self._services.clock), PEOPLE, platform_api.refuse)
            for each in (CONTRACT, INSTAGRAM_LOGIN)
        )
        self._servers += contract, instagram
        return [
            *contract.pages(PLATFORM),
            *instagram.pages(INSTAGRAM),
            *(self._route(PLATFORM, contract, *call) for call in contract.calls()),
            *(self._route(INSTAGRAM, instagram, *call) for call in instagram.calls()),
            self._route(INSTAGRAM, instagram, "GET", "/me", instagram.me),
        ]

    def control_routes(self) -> list[Route]:
        routes = publishing_control(self.studio, self._services.agenda, self._services.clock, self.webhooks)
        return routes + self.likes.control_routes() + oauth_control(self._accounts, self._servers)

    def _route(self, prefix: str, dialect: Dialect, method: str, path: str, work: Callable[[Call], Reply]) -> Route:
        return Route(
            prefix + path, WriteEndpoint(self._services, dialect, f"{method} {prefix}{path}", work), methods=[method]
        )
