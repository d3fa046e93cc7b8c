"""The commands that run a server: `serve` and `sandbox`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette

from gateway.clients import Clients, ClientsFileError
from gateway.clock import SystemClock
from gateway.commands.base import CommandError, UsageError
from gateway.events import ClientsReloaded, ClientsReloadFailed
from gateway.logs import log
from gateway.server.peers import Ceilings
from gateway.server.server import ServerConfig
from gateway.server.workers import leave_with_the_supervisor, supervise
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.composition.app import Gateway

# `docker stop` kills the process after ten seconds.
GRACE_SECONDS = 8
# Garbage collection thresholds: allocations per young collection, and collections per older generation. A response of
# 1,200 items allocates 1,300 dictionaries, none of them garbage. With the defaults (700, 10, 10) they are scanned
# twice, which took an eighth of the time; with these thresholds the scans take no measurable time, and cyclic garbage
# is freed later.
THRESHOLDS = (20_000, 20, 50)
# Loggers that write private data at finer levels: request headers and query strings, which hold keys and signatures;
# SQL with its parameters; image metadata with place and author.
TALKATIVE = ("httpx", "httpcore", "aiohttp", "sqlalchemy", "psycopg", "PIL", "pillow_heif")


def serve(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the gateway. Raise SettingsError, ClientsFileError, LedgerFileError and ProxyUnusable."""
    settings = Settings.read(environ)
    ceilings = Ceilings(settings.peer_connections, settings.open_connections)
    workers: int = arguments.workers
    if workers > 1 and settings.sandboxed:
        raise UsageError(
            "Each worker would have an embedded sandbox of its own, and none would know what another changed: start "
            "`highlights-gateway sandbox`, set GATEWAY_HIKERAPI_URL to its address and GATEWAY_HIKERAPI_KEY=sandbox."
        )
    with _listen(arguments.host, arguments.port) as listener:
        if settings.clients_file is None:
            _require_loopback(arguments.host, listener)
        url, address = _url(arguments.host, listener), listener.getsockname()[0]
        # Created here first, so that errors in the files are reported once, and before the announcement.
        gateway = _gateway(settings, url, workers, address)
        if workers > 1:
            gateway.spending.close()
        upstream = "the embedded sandbox (no GATEWAY_HIKERAPI_KEY)" if settings.sandboxed else _upstream(settings)
        print(f"Highlights Gateway: open {url}/graphql - the upstream is {upstream}", flush=True)
        if workers > 1:
            app = partial(_app, settings, url, workers, address)
            return supervise(_config(app, settings.log_level, workers=workers, ceilings=ceilings), listener)
        return _run(gateway.app(), listener, settings.log_level, ceilings)


def _upstream(settings: Settings) -> str:
    proxy = settings.proxies.to(settings.hikerapi_url)
    return settings.hikerapi_url + ("" if proxy is None else f" by the proxy of {proxy.variable}")


def _app(settings: Settings, url: str, workers: int, address: str) -> Starlette:
    return _gateway(settings, url, workers, address).app()


def _gateway(settings: Settings, url: str, workers: int, address: str) -> Gateway:
    """Return the gateway of one process, which reloads its clients on SIGHUP."""
    with _without_garbage_collection():
        from gateway.composition.app import Gateway

        _log_to_stderr(settings.log_level)
        leave_with_the_supervisor()
        gateway = Gateway(settings, None, SystemClock(), url, workers=workers, address=address)
        if settings.clients_file is not None:
            _reload_on_sighup(gateway.access.clients)
        return gateway


@contextlib.contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Exclude everything created inside from garbage collection, now and later: it lives as long as the process.

    Garbage among it stays as well: some thousand small objects, whereas scanning everything takes a tenth of the start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*THRESHOLDS)
        gc.enable()


def sandbox(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from gateway.sandbox import MovableClock, create_sandbox

    clock = MovableClock(SystemClock()) if arguments.clock == "movable" else SystemClock()
    with _listen(arguments.host, arguments.port) as listener:
        url = _url(arguments.host, listener)
        print(f"Sandbox upstream: {url} - its key is sandbox", flush=True)
        return _run(create_sandbox(clock=clock, base_url=url), listener, "info", Ceilings())


def _listen(host: str, port: int) -> socket.socket:
    """Listen before the announcement, so that the announced URL accepts connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise CommandError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error


def _require_loopback(host: str, listener: socket.socket) -> None:
    """Raise UsageError unless only this machine can connect: without a clients file every caller may spend."""
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        raise UsageError(
            f"Other machines can reach the gateway on {host}, so it needs a clients file: create one with "
            "`highlights-gateway keys add NAME --file PATH` and set GATEWAY_CLIENTS_FILE=PATH."
        )


def _url(host: str, listener: socket.socket) -> str:
    """Return a URL that a browser on this machine can open, even if the server listens on all addresses."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{name}:{listener.getsockname()[1]}"


def _reload_on_sighup(clients: Clients) -> None:
    """Reload the clients in a separate thread on SIGHUP.

    The file may be long or its disk slow, and the signal handler runs on the event loop. Reloads run one after the
    other, so that the last one wins.
    """
    hangups: SimpleQueue[None] = SimpleQueue()  # reentrant: safe to use in a signal handler
    threading.Thread(target=_reload_repeatedly, args=(hangups, clients), name="clients", daemon=True).start()
    signal.signal(signal.SIGHUP, lambda *_: hangups.put(None))


def _reload_repeatedly(hangups: SimpleQueue[None], clients: Clients) -> None:
    while True:
        hangups.get()
        try:
            clients.reload()
        except ClientsFileError as error:
            log(ClientsReloadFailed(str(error)))
        else:
            log(ClientsReloaded())


def _run(app: Starlette, listener: socket.socket, log_level: str, ceilings: Ceilings) -> int:
    _log_to_stderr(log_level)
    # After its shutdown uvicorn raises the signal again: the process then exits, as it does before uvicorn has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = _config(app, log_level, workers=1, ceilings=ceilings)
    server = uvicorn.Server(config)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 3


def _config(
    app: Starlette | Callable[[], Starlette], log_level: str, *, workers: int, ceilings: Ceilings
) -> ServerConfig:
    return ServerConfig(
        app,
        ceilings=ceilings,
        factory=not isinstance(app, Starlette),
        workers=workers,
        log_level=log_level,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _log_to_stderr(log_level: str) -> None:
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").addFilter(_is_not_about_websockets)


def _is_not_about_websockets(record: logging.LogRecord) -> bool:
    """Filter uvicorn's lines for opened and closed WebSockets: they contain the query string of the URL."""
    return "WebSocket" not in str(record.msg) and record.msg not in ("connection open", "connection closed")
