"""`serve` and `sandbox`: what listens."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import logging
import signal
import socket
import sys
from collections.abc import Callable, Mapping

import uvicorn
from starlette.applications import Starlette

from gateway.clients import Clients, ClientsFileError
from gateway.clock import SystemClock
from gateway.commands.base import CommandError, UsageError
from gateway.events import ClientsFileRefused, ClientsReloaded
from gateway.logs import log
from gateway.settings import Settings

# `docker stop` kills after ten seconds.
GRACE_SECONDS = 8
# At their finer levels these write request headers and query strings, which hold keys and signatures.
TALKATIVE = ("httpx", "httpcore", "aiohttp")


def serve(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Raises SettingsError, ClientsFileError and LedgerFileError."""
    from gateway.app import Gateway

    settings = Settings.read(environ)
    with _listen(arguments.host, arguments.port) as listener:
        if settings.clients_file is None:
            _stay_at_home(arguments.host, listener)
        url = _url(arguments.host, listener)
        gateway = Gateway(settings, None, SystemClock(), url)
        upstream = "the embedded sandbox (no GATEWAY_HIKERAPI_KEY)" if settings.sandboxed else settings.hikerapi_url
        print(f"Highlights Gateway: open {url}/graphql - the upstream is {upstream}", flush=True)
        reload = None if settings.clients_file is None else lambda: _reload(gateway.clients)
        return _run(gateway.app(), listener, settings.log_level, on_hangup=reload)


def sandbox(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.sandbox import create_sandbox

    with _listen(arguments.host, arguments.port) as listener:
        url = _url(arguments.host, listener)
        print(f"Sandbox upstream: {url} - its key is sandbox", flush=True)
        return _run(create_sandbox(clock=SystemClock(), base_url=url), listener, "info")


def _listen(host: str, port: int) -> socket.socket:
    """Listens before anything is announced, so that the announced URL answers."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error


def _stay_at_home(host: str, listener: socket.socket) -> None:
    """Without a clients file anybody who reaches the gateway may spend: so nobody else may reach it."""
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        raise UsageError(
            f"On {host} other machines reach the gateway, so it needs to know its clients: "
            "`highlights-gateway keys add NAME --file PATH` makes a file of them, GATEWAY_CLIENTS_FILE=PATH names it."
        )


def _url(host: str, listener: socket.socket) -> str:
    """A URL that a browser on this machine can open, also where the server listens on every address."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{listener.getsockname()[1]}"


def _reload(clients: Clients) -> None:
    try:
        clients.reload()
    except ClientsFileError as error:
        log(ClientsFileRefused(str(error)))
    else:
        log(ClientsReloaded())


def _run(
    app: Starlette, listener: socket.socket, log_level: str, *, on_hangup: Callable[[], None] | None = None
) -> int:
    _log_to_stderr(log_level)
    # uvicorn raises the signal again once it has shut down: then, and before it has started, the process simply ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        app, access_log=False, log_config=None, log_level=log_level, timeout_graceful_shutdown=GRACE_SECONDS
    )
    server = uvicorn.Server(config)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            if on_hangup is not None:
                runner.get_loop().add_signal_handler(signal.SIGHUP, on_hangup)
            runner.run(server.serve(sockets=[listener]))
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 3


def _log_to_stderr(log_level: str) -> None:
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
