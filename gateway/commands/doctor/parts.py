"""Checks of the parts of an installation that may be missing: the console, metrics and traces."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from importlib.util import find_spec

from gateway.commands.data_directory import is_in_use
from gateway.commands.doctor.findings import Finding, Installation, ok, problem, skipped, warning
from gateway.console import PAGE, built_at

CONSOLE, METRICS, TRACES = "console", "metrics", "traces"
# What the extra `otel` installs, as far as the gateway imports it.
OTEL = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def console(installation: Installation) -> Iterable[Finding]:
    if built_at(PAGE) is None:
        remedy = "Run `make console` in a clone, or install the wheel, which contains it."
        return [warning(CONSOLE, "The console is not built: the page at /graphql says so.", remedy)]
    return [ok(CONSOLE, "The console is built.")]


def metrics(installation: Installation) -> Iterable[Finding]:
    address = installation.settings.metrics
    data = installation.settings.data_dir
    if address is None:
        return [skipped(METRICS, "GATEWAY_METRICS is not set: no metrics are served.")]
    shown = f"{address[0]} port {address[1]}"
    if data.is_dir() and is_in_use(data):
        return [ok(METRICS, f"Metrics are served at {shown} while a gateway runs.")]
    try:
        socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET).close()
    except OSError as error:
        remedy = "Set GATEWAY_METRICS to an address of this machine that is free."
        return [problem(METRICS, f"Nothing can listen on {shown}: {error.strerror or error}.", remedy)]
    return [ok(METRICS, f"Metrics will be served at {shown}, which is free.")]


def traces(installation: Installation) -> Iterable[Finding]:
    exporters = installation.settings.traces
    if not exporters:
        return [skipped(TRACES, "No variable OTEL_* asks for traces.")]
    if not all(map(_is_installed, OTEL)):
        return [
            problem(
                TRACES,
                "The variables OTEL_* ask for traces, and OpenTelemetry is not installed.",
                "Install it: pip install 'highlights-gateway[otel]'.",
            )
        ]
    return [ok(TRACES, f"Traces are exported: {', '.join(exporters)}.")]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False
