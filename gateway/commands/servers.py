"""The commands that run a server: `serve` and `sandbox`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import ipaddress
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from starlette.applications import Starlette

from gateway.clock import SystemClock
from gateway.commands import metrics_page
from gateway.commands.base import CommandError, UsageError
from gateway.commands.data_directory import share
from gateway.commands.reloading import certificate_loaded, defer_sighup, reload_on_sighup
from gateway.composition.process import Process
from gateway.events import fan_out
from gateway.logs import log
from gateway.logs.line_formats import LogFormat
from gateway.logs.line_handler import install
from gateway.server.draining_server import DrainingServer
from gateway.server.peers import Ceilings, Peers
from gateway.server.server import DEFAULTS, ServerConfig, ServerOptions
from gateway.server.workers import Workers, leave_with_the_supervisor, supervise
from gateway.settings import Settings

if TYPE_CHECKING:
    from gateway.composition.app import Gateway
    from gateway.server.certificate import Certificate

App: TypeAlias = Callable[[Peers], Starlette]
"""Makes the app in the process that serves it, whose peers it may count."""

# `docker stop` kills the process after ten seconds.
GRACE_SECONDS = 8
# Garbage collection thresholds: allocations per young collection, and collections per older generation. A response of
# 1,200 items allocates 1,300 dictionaries, none of them garbage. With the defaults (700, 10, 10) they are scanned
# twice, which took an eighth of the time; with these thresholds the scans take no measurable time, and cyclic garbage
# is freed later.
THRESHOLDS = (20_000, 20, 50)
# Bytes of the path of a directory of sockets: a socket's own has 103 at most on some systems.
LONGEST_DIRECTORY = 80


def serve(arguments: argparse.Namespace, environ: MutableMapping[str, str]) -> int:
    """Run the gateway. Raise CommandError, and Unusable of settings, files, proxies and the certificate."""
    defer_sighup()
    _write_no_core()
    settings = Settings.read(environ)
    certificate = _certificate(arguments)
    options = _options(settings, certificate)
    workers: int = arguments.workers
    if workers > 1 and settings.sandboxed:
        raise UsageError(
            "Each worker would have an embedded sandbox of its own, and none would know what another changed: start "
            "`highlights-gateway sandbox`, set GATEWAY_HIKERAPI_URL to its address and GATEWAY_HIKERAPI_KEY=sandbox."
        )
    with (
        _listen(arguments.host, arguments.port) as listener,
        _metrics_listener(settings) as page,
        _worker_sockets(workers) as sockets,
    ):
        if settings.clients_file is None:
            _require_loopback(arguments.host, listener)
        scheme = "http" if certificate is None else "https"
        url, address = _url(scheme, arguments.host, listener), listener.getsockname()[0]
        environ.pop(metrics_page.DIRECTORY, None)
        # Created here first, so that errors in the files are reported once, and before the announcement.
        process = Process(workers, address, sockets)
        gateway = _gateway(settings if sockets is None else replace(settings, metrics=None), url, process)
        if sockets is None:
            reload_on_sighup(settings, gateway, certificate)
        if certificate is not None:
            log(certificate_loaded(certificate))
        if workers > 1:
            gateway.spending.close()
        _announce(settings, url, page)
        if sockets is None:
            with metrics_page.of_process(gateway.observers.monitoring, page):
                return _run(partial(_served, gateway), listener, options)
        app, hook = partial(_app, settings, url, process, certificate), fan_out([log, metrics_page.forgetting(sockets)])
        supervised = Workers(_config(app, workers=workers, options=options), listener, hook)
        with metrics_page.of_workers(supervised, page, sockets, environ):
            return supervise(supervised)


def _write_no_core() -> None:
    """Let this process and its workers write no core, which would have decrypted tokens in it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _announce(settings: Settings, url: str, page: socket.socket | None) -> None:
    upstream = "the embedded sandbox (no GATEWAY_HIKERAPI_KEY)" if settings.sandboxed else _upstream(settings)
    print(f"Highlights Gateway: open {url}/graphql - the upstream is {upstream}", flush=True)
    if page is not None:
        print(f"Metrics: {metrics_page.url(page)}", flush=True)


@contextlib.contextmanager
def _metrics_listener(settings: Settings) -> Iterator[socket.socket | None]:
    if settings.metrics is None:
        yield None
        return
    with _listen(*settings.metrics) as listener:
        yield listener


def _certificate(arguments: argparse.Namespace) -> Certificate | None:
    """Return the certificate, loaded, or None without one. Raise UsageError and CertificateUnusable."""
    if (arguments.tls_cert is None) != (arguments.tls_key is None):
        raise UsageError("TLS needs both --tls-cert and --tls-key.")
    if arguments.tls_cert is None:
        return None
    from gateway.server.certificate import Certificate

    certificate = Certificate(arguments.tls_cert, arguments.tls_key)
    certificate.load()
    return certificate


def _options(settings: Settings, certificate: Certificate | None) -> ServerOptions:
    ceilings = Ceilings(settings.peer_connections, settings.open_connections)
    return ServerOptions(ceilings, settings.trusted_proxies or frozenset(), certificate, settings.drain_seconds)


def _upstream(settings: Settings) -> str:
    proxy = settings.proxies.to(settings.hikerapi_url)
    return settings.hikerapi_url + ("" if proxy is None else f" by the proxy of {proxy.variable}")


@contextlib.contextmanager
def _worker_sockets(workers: int) -> Iterator[Path | None]:
    """Make the directory of the workers' sockets for as long as they run; none for one process."""
    if workers == 1:
        yield None
        return
    try:
        directory = tempfile.TemporaryDirectory(prefix="highlights-gateway-", ignore_cleanup_errors=True)
    except OSError as error:
        raise CommandError(f"Cannot make a directory for the sockets of the workers ({error}): set TMPDIR.") from error
    with directory as path:
        if len(os.fsencode(path)) > LONGEST_DIRECTORY:
            raise CommandError(
                f"The path {path} is too long for the sockets of the workers: set TMPDIR to a shorter one."
            )
        yield Path(path)


def _app(settings: Settings, url: str, process: Process, certificate: Certificate | None, peers: Peers) -> Starlette:
    """Return the app of a worker."""
    gateway = _gateway(settings, url, process)
    reload_on_sighup(settings, gateway, certificate, is_worker=True)
    return _served(gateway, peers)


def _served(gateway: Gateway, peers: Peers) -> Starlette:
    if gateway.observers.monitoring is not None:
        gateway.observers.monitoring.connections = peers.connections
    return gateway.app()


def _gateway(settings: Settings, url: str, process: Process) -> Gateway:
    """Return the gateway of one process."""
    share(settings.data_dir)
    with _without_garbage_collection():
        from gateway.composition.app import Gateway

        install(LogFormat(settings.log_format), settings.log_level)
        leave_with_the_supervisor()
        return Gateway(settings, None, SystemClock(), url, process=process)


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
        url = _url("http", arguments.host, listener)
        print(f"Sandbox upstream: {url} - its key is sandbox", flush=True)
        install(LogFormat.TEXT, "info")
        app = create_sandbox(clock=clock, base_url=url)
        return _run(lambda peers: app, listener)


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


def _url(scheme: str, host: str, listener: socket.socket) -> str:
    """Return a URL that a browser on this machine can open, even if the server listens on all addresses."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host) or (f"[{host}]" if ":" in host else host)  # nosec B104 # noqa: S104 (compared, not listened on)
    return f"{scheme}://{name}:{listener.getsockname()[1]}"


def _run(app: App, listener: socket.socket, options: ServerOptions = DEFAULTS) -> int:
    # After its shutdown uvicorn raises the signal again: the process then exits, as it does before uvicorn has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = _config(app, workers=1, options=options)
    server = DrainingServer(config)
    try:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else 3


def _config(app: App, *, workers: int, options: ServerOptions) -> ServerConfig:
    return ServerConfig(
        app,
        options,
        factory=True,
        workers=workers,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
