"""The exporters of traces, by the environment variables that all programs with OpenTelemetry share.

The gateway reads those that say whether and how traces are exported; OpenTelemetry itself reads the others.
"""

from __future__ import annotations

from collections.abc import Mapping

DISABLED = "OTEL_SDK_DISABLED"
EXPORTER = "OTEL_TRACES_EXPORTER"
ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
SAMPLER = "OTEL_TRACES_SAMPLER"
OTLP, CONSOLE, NONE = "otlp", "console", "none"
HTTP = "http/protobuf"
ROOT_SAMPLERS = ("always_on", "always_off", "traceidratio")
SAMPLERS = (*ROOT_SAMPLERS, *(f"parentbased_{name}" for name in ROOT_SAMPLERS))


def exporters_in(environ: Mapping[str, str]) -> tuple[tuple[str, ...], list[str]]:
    """Return the names of the exporters, none if tracing is off, and a sentence for each problem."""
    if _text(environ, DISABLED).lower() == "true":
        return (), []
    names = tuple(_names(environ))
    if not names:
        return (), []
    problems = []
    if not set(names) <= {OTLP, CONSOLE}:
        problems.append(f"{EXPORTER} must be {OTLP}, {CONSOLE} or {NONE}.")
    protocol = next((name for name in PROTOCOLS if _text(environ, name)), None)
    if OTLP in names and protocol is not None and _text(environ, protocol) != HTTP:
        problems.append(f"{protocol} must be {HTTP}: the gateway exports traces by HTTP.")
    if (sampler := _text(environ, SAMPLER).lower()) and sampler not in SAMPLERS:
        problems.append(f"{SAMPLER} must be one of {', '.join(SAMPLERS)}.")
    return names, problems


def _names(environ: Mapping[str, str]) -> list[str]:
    """Return the exporters' names. Without a name, an endpoint asks for OTLP."""
    if given := _text(environ, EXPORTER):
        names = [name.strip().lower() for name in given.split(",")]
        return [name for name in dict.fromkeys(names) if name not in ("", NONE)]
    return [OTLP] if any(_text(environ, name) for name in ENDPOINTS) else []


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()
