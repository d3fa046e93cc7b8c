"""Apps on real ports, in threads of this process: no time goes into the start of another one."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from gateway.server.draining_server import DrainingServer
from gateway.server.server import ServerConfig


@contextlib.contextmanager
def served(make: Callable[[str], Any], *, lifespan: bool = True) -> Iterator[str]:
    """The URL of the app that `make` makes of it."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    config = ServerConfig(make(url), log_level="warning", lifespan="on" if lifespan else "off")
    server = DrainingServer(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as client:
            client.get(f"{url}/healthz")  # is answered, by whatever status, once it serves
        yield url
    finally:
        server.should_exit = True
        thread.join()
