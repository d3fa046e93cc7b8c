"""The configuration of uvicorn: the gateway's protocols, and the state that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gateway.http.request_parsing import LARGEST_BODY
from gateway.http.unsent import UnsentAnswers
from gateway.scheduling import Turns
from gateway.server.http_protocol import HttpProtocol
from gateway.server.loop import Loop
from gateway.server.peers import Ceilings, Peers
from gateway.server.websocket_protocol import WebSocketProtocol


class ServerConfig(uvicorn.Config):
    """The uvicorn configuration. `peers`, `turns` and `unsent` belong to one process: each worker has its own."""

    def __init__(self, app: ASGIApp | Callable[[], ASGIApp], *, ceilings: Ceilings, **options: Any) -> None:
        super().__init__(
            app,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            access_log=False,
            log_config=None,
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,  # a compressor takes more memory than the rest of a connection
            **options,
        )
        self.peers = Peers(ceilings)
        self.turns = Turns()
        self.ceilings = ceilings

    @cached_property
    def unsent(self) -> UnsentAnswers:
        """The bound of unread responses. Created in the serving process, since it cannot be pickled for a worker."""
        return UnsentAnswers(self.ceilings.unsent_each, self.ceilings.unsent_total)

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return Loop
