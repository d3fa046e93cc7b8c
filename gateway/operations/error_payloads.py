"""Errors as clients get them: each names its request and its trace, by which log lines and spans are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError

from gateway.correlation import CURRENT
from gateway.spans import current_trace_id


def error_payload(error: GraphQLError) -> dict[str, Any]:
    """Return `error` as JSON members, with the ids of request and trace in its extensions."""
    return _named(dict(error.formatted))


def part_payload(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of an incremental response whose errors have these ids."""
    named = dict(part)
    for name in ("incremental", "completed"):
        if name in part:
            named[name] = [_with_named_errors(entry) for entry in part[name]]
    return _with_named_errors(named)


def _with_named_errors(entry: Mapping[str, Any]) -> dict[str, Any]:
    errors = entry.get("errors")
    return {**entry, "errors": [_named(dict(error)) for error in errors]} if errors else dict(entry)


def _named(members: dict[str, Any]) -> dict[str, Any]:
    correlation = CURRENT.get()
    if correlation is not None:
        trace = current_trace_id() or correlation.trace
        ids = {"requestId": correlation.request} | ({} if trace is None else {"traceId": trace})
        members["extensions"] = {**members.get("extensions", {}), **ids}
    return members
