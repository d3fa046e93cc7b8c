"""The write side put together: its routes, and what is cleared with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import httpx
from starlette.routing import BaseRoute, Route

from gateway.sandbox.publishing import aiograpi, platform
from gateway.sandbox.publishing.accounts import Accounts
from gateway.sandbox.publishing.aiograpi import Aiograpi
from gateway.sandbox.publishing.control import publishing_control
from gateway.sandbox.publishing.keys import Keys
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


@dataclass(frozen=True, slots=True)
class Terms:
    """`tokens` are token -> user pk, `quota` is in publications per rolling day, `calls_per_hour` is per account."""

    tokens: Mapping[str, int]
    quota: int
    calls_per_hour: int


class Publishing:
    """`base_url` is that of the sandbox. Raises ValueError for a token of a user that the world does not have."""

    def __init__(
        self,
        world: World,
        house: SandboxServices,
        gallery: Gallery,
        terms: Terms,
        webhook_transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        self._house = house
        self.webhooks = Webhooks(house.agenda, house.clock, webhook_transport)
        self.studio = WriteState(world, gallery, house.agenda, house.clock, quota=terms.quota, tell=self.webhooks.tell)
        self._accounts = Accounts(world, terms.tokens, house.clock)
        self._usage = Usage(house.clock, terms.calls_per_hour)
        self._keys = Keys(house.clock)

    def clear(self) -> None:
        for part in (self.webhooks, self._house.agenda, self.studio, self._accounts, self._usage, self._keys):
            part.clear()

    def routes(self, wire: Wire, base_url: str) -> list[BaseRoute]:
        spoken = Platform(self.studio, self._accounts, wire, self._usage, self._keys, base_url.rstrip("/"))
        other = Aiograpi(self.studio, self._accounts, wire)
        return [
            *(
                self._desk(PLATFORM, spoken, method, path, partial(call, spoken))
                for method, path, call in platform.CALLS
            ),
            *(self._desk(AIOGRAPI, other, method, path, partial(call, other)) for method, path, call in aiograpi.CALLS),
        ]

    def control_routes(self) -> list[Route]:
        return publishing_control(self.studio, self._house.agenda, self._house.clock, self.webhooks)

    def _desk(self, prefix: str, dialect: Dialect, method: str, path: str, work: Callable[[Call], Reply]) -> Route:
        return Route(
            prefix + path, WriteEndpoint(self._house, dialect, f"{method} {prefix}{path}", work), methods=[method]
        )
