"""Serves the graph of brands: prints its address once it listens."""

from __future__ import annotations

import socket

import uvicorn
from strawberry.asgi import GraphQL

from tests.federation.brands.graph import SCHEMA

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    server = uvicorn.Server(uvicorn.Config(GraphQL(SCHEMA), log_level="warning", lifespan="off"))
    server.run(sockets=[listener])
