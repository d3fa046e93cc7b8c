"""A check of the header `Host`, against DNS rebinding.

A page can point its own domain at the gateway's address (DNS rebinding). The browser then treats the page as of the
gateway's origin: it sends requests without CORS and reads the responses. Only the host name, which is still the page's
own, shows the attack.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, assert_never
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from gateway.domain.hosts import LOCALHOST, address_of, host_in, is_loopback
from gateway.errors import HostNotServed
from gateway.http.completion import refusal
from gateway.http.disconnect import without_body
from gateway.http.negotiation import negotiate
from gateway.http.routes.health import PATHS

# The ASGI extension of servers that can reject a handshake with a response other than 403.
DENIAL = "websocket.http.response"
# Size of the cache of accepted spellings: a gateway's clients use few, which then need not be parsed each time.
MOST_SPELLINGS = 64
REFUSAL = (
    "The gateway does not serve this host: use the address it listens on, or add the name to GATEWAY_ALLOWED_HOSTS."
)


class Literals(enum.Enum):
    """The IP addresses accepted as host, beside configured ones. An IP address cannot be rebound."""

    NONE = enum.auto()
    LOOPBACK = enum.auto()
    ANY = enum.auto()


@dataclass(frozen=True, slots=True)
class Hosts:
    """The accepted hosts. `names` are in the form of `host_in`, and match with any port."""

    names: frozenset[str]
    literals: Literals

    @classmethod
    def of(cls, *urls: str, address: str | None = None, allowed: frozenset[str] = frozenset()) -> Self:
        """Return the hosts of `urls`, those `allowed`, and the names of `address`.

        `address` is the listening address; it defaults to the host of the first URL.
        """
        found = [host for url in urls if (host := host_in(urlsplit(url).netloc))]
        here = address or next(iter(found), "")
        literals = _literals(here)
        names = {*found, *allowed}
        if (listened := address_of(here)) is not None:
            names.add(str(listened))
        if literals is not Literals.NONE:
            names.add(LOCALHOST)
        return cls(frozenset(names), literals)

    def serves(self, authority: str) -> bool:
        host = host_in(authority)
        if host is None:
            return False
        return host in self.names or self._serves_literal(host)

    def _serves_literal(self, host: str) -> bool:
        match self.literals:
            case Literals.NONE:
                return False
            case Literals.LOOPBACK:
                return is_loopback(host)
            case Literals.ANY:
                return address_of(host) is not None
            case _:
                assert_never(self.literals)


def _literals(address: str) -> Literals:
    """Return the literals for a listening address. A wildcard (0.0.0.0 or ::) listens on all, so any is valid."""
    parsed = address_of(address)
    if parsed is not None and parsed.is_unspecified:
        return Literals.ANY
    return Literals.LOOPBACK if is_loopback(address) else Literals.NONE


class HostCheck:
    """ASGI middleware that answers requests for other hosts with 421.

    The health routes are exempt: probes do not know the gateway's name. `around` wraps the application that refuses, as
    others wrap the gateway's own.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts, around: Callable[[ASGIApp], ASGIApp] = lambda app: app) -> None:
        self.app = app
        self.hosts = hosts
        self._refusal = around(_refuse)
        self._spellings: set[bytes] = set()

    @property
    def size(self) -> int:
        """The number of cached spellings."""
        return len(self._spellings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PATHS or self._is_served(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket" and DENIAL not in scope.get("extensions", {}):
            await WebSocketClose()(scope, receive, send)  # HTTP 403
        else:
            await self._refusal(scope, receive, without_body(send) if scope.get("method") == "HEAD" else send)

    def _is_served(self, scope: Scope) -> bool:
        """Return whether there is exactly one `Host` (RFC 9112, section 3.2) and it is accepted."""
        given: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"host":
                if given is not None:
                    return False
                given = value
        return given in self._spellings or (given is not None and self._check_spelling(given))

    def _check_spelling(self, spelling: bytes) -> bool:
        is_served = self.hosts.serves(spelling.decode("latin-1"))
        if is_served and len(self._spellings) < MOST_SPELLINGS:
            self._spellings.add(spelling)
        return is_served


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    accepted = negotiate(",".join(Headers(scope=scope).getlist("accept")))
    await refusal(HostNotServed(REFUSAL), accepted, scope)(scope, receive, send)
