"""The configuration of uvicorn: the gateway's protocols, and the state that they share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from gateway.domain.hosts import Network
from gateway.http.request_parsing import LARGEST_BODY
from gateway.http.unsent import UnsentAnswers
from gateway.scheduling import Turns
from gateway.server.forwarding import TrustedProxies
from gateway.server.http_protocol import HttpProtocol
from gateway.server.loop import Loop
from gateway.server.peers import Ceilings, Peers
from gateway.server.tls import TlsProtocol
from gateway.server.websocket_protocol import WebSocketProtocol

if TYPE_CHECKING:
    from gateway.server.certificate import Certificate


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Limits of peers, the reverse proxies that are trusted to name them, and the certificate if TLS is spoken.

    `drain` is how long a process is served after SIGTERM, in seconds.
    """

    ceilings: Ceilings = field(default_factory=Ceilings)
    proxies: frozenset[Network] = frozenset()
    certificate: Certificate | None = None
    drain: float = 0.0


DEFAULTS = ServerOptions()


class ServerConfig(uvicorn.Config):
    """The uvicorn configuration. `peers`, `turns` and `unsent` belong to one process: each worker has its own.

    A factory of the app is called with `peers`, in the process that serves it.
    """

    def __init__(
        self,
        app: ASGIApp | Callable[[Peers], ASGIApp],
        options: ServerOptions = DEFAULTS,
        **others: Any,
    ) -> None:
        super().__init__(
            app,
            http=HttpProtocol if options.certificate is None else TlsProtocol,
            ws=WebSocketProtocol,
            access_log=False,
            log_config=None,
            server_header=False,  # says nothing to a client, and takes as long as the request id
            proxy_headers=False,  # uvicorn's middleware comes after the limits per peer, and trusts this machine
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,  # a compressor takes more memory than the rest of a connection
            **others,
        )
        self.ceilings = options.ceilings
        self.peers = Peers(options.ceilings)
        self.proxies = TrustedProxies(options.proxies)
        self.certificate = options.certificate
        self.drain = options.drain
        self.turns = Turns()

    @property
    def tls_context(self) -> ssl.SSLContext:
        """Return the context for the next connection of TLS."""
        assert self.certificate is not None, "without a certificate no TLS is spoken"
        return self.certificate.context

    @cached_property
    def unsent(self) -> UnsentAnswers:
        """The bound of unread responses. Created in the serving process, since it cannot be pickled for a worker."""
        return UnsentAnswers(self.ceilings.unsent_each, self.ceilings.unsent_total)

    def load_app(self) -> Any:
        app = super().load_app()
        return partial(app, self.peers) if self.factory else app

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return Loop
