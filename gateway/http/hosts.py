"""By which names the gateway may be asked for: the header `Host`.

A page can have its own name lead to the gateway's address (DNS rebinding). To the browser it is then of the gateway's
origin: it needs no leave to ask, and reads the answers. Only the name, which stays the page's own, tells it apart.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Self, assert_never
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from gateway.domain.hosts import LOCALHOST, address_of, host_in, is_loopback
from gateway.errors import HostNotServed
from gateway.http import responses
from gateway.http.disconnect import without_body
from gateway.http.negotiation import Media, negotiate
from gateway.http.routes.health import PATHS
from gateway.operations.extensions import as_graphql_error

# A server that can answer a handshake by more than 403 says so by this extension of ASGI.
DENIAL = "websocket.http.response"
# Of each host that is served, as it was written: those of a gateway's clients are few, and need not be read each time.
MOST_SPELLINGS = 64
REFUSAL = (
    "The gateway is not asked for by this host: use the address it listens on, or have the name added to "
    "GATEWAY_ALLOWED_HOSTS."
)


class Literals(enum.Enum):
    """Which IP addresses the gateway may be asked for by, beside those that are named. None of them can be rebound."""

    NONE = enum.auto()
    LOOPBACK = enum.auto()
    ANY = enum.auto()


@dataclass(frozen=True, slots=True)
class Hosts:
    """`names` are in the form of `host_in`; each holds with any port."""

    names: frozenset[str]
    literals: Literals

    @classmethod
    def of(cls, *urls: str, address: str | None = None, allowed: frozenset[str] = frozenset()) -> Self:
        """The hosts of `urls`, those `allowed`, and the names of `address`.

        `address` is the one that is listened on: without one, the host of the first URL.
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
        return host in self.names or self._takes(host)

    def _takes(self, host: str) -> bool:
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
    """Behind an address of its own a server has that one alone; behind all of them it has all that lead here."""
    parsed = address_of(address)
    if parsed is not None and parsed.is_unspecified:
        return Literals.ANY
    return Literals.LOOPBACK if is_loopback(address) else Literals.NONE


class HostCheck:
    """ASGI middleware: what is asked of another host is answered 421, except how the gateway is.

    That is asked by probes, which know no name.
    """

    def __init__(self, app: ASGIApp, *, hosts: Hosts) -> None:
        self.app = app
        self.hosts = hosts
        self._spellings: set[bytes] = set()

    @property
    def size(self) -> int:
        """How many spellings are remembered."""
        return len(self._spellings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or scope["path"] in PATHS or self._is_served(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket" and DENIAL not in scope.get("extensions", {}):
            await WebSocketClose()(scope, receive, send)  # HTTP 403
        else:
            accepted = negotiate(",".join(Headers(scope=scope).getlist("accept")))
            refusal = responses.error_response(accepted.single or Media.JSON, as_graphql_error(HostNotServed(REFUSAL)))
            await refusal(scope, receive, without_body(send) if scope.get("method") == "HEAD" else send)

    def _is_served(self, scope: Scope) -> bool:
        """One host, no more and no less (RFC 9112, section 3.2)."""
        given: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"host":
                if given is not None:
                    return False
                given = value
        return given in self._spellings or (given is not None and self._reads(given))

    def _reads(self, spelling: bytes) -> bool:
        is_served = self.hosts.serves(spelling.decode("latin-1"))
        if is_served and len(self._spellings) < MOST_SPELLINGS:
            self._spellings.add(spelling)
        return is_served
