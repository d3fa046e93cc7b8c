"""How uvicorn is run: our protocols, and what they have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from gateway.commands.http_protocol import HttpProtocol
from gateway.commands.loop import Loop
from gateway.commands.peers import Ceilings, Peers
from gateway.commands.websocket_protocol import WebSocketProtocol
from gateway.http.requests import LARGEST_BODY
from gateway.http.unsent import Unsent
from gateway.scheduling import Turns


class ServerConfig(uvicorn.Config):
    """`peers`, `turns` and `unsent` are those of one process: each worker makes its own of what it is given."""

    def __init__(self, app: ASGIApp | Callable[[], ASGIApp], *, ceilings: Ceilings, **options: Any) -> None:
        super().__init__(
            app,
            http=HttpProtocol,
            ws=WebSocketProtocol,
            access_log=False,
            log_config=None,
            ws_max_size=LARGEST_BODY,
            ws_per_message_deflate=False,  # a compressor for each connection would take more memory than all else of it
            **options,
        )
        self.peers = Peers(ceilings)
        self.turns = Turns()
        self.ceilings = ceilings

    @cached_property
    def unsent(self) -> Unsent:
        """Made by the process that serves: it cannot be handed to another."""
        return Unsent(self.ceilings.unsent_each, self.ceilings.unsent_total)

    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return Loop
