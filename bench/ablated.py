"""The gateway's command without one of its cache layers.

python -m bench.ablated LAYER serve --port 8000

No setting switches a layer off: it is patched here, before the gateway is put together.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

import httpx

import gateway.composition.operations
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.response_cache import Responses
from gateway.cli import main
from gateway.execution.compilation_cache import DocumentPlans, PlanCache
from gateway.execution.context import ProjectingExecutionContext
from gateway.http.exact_match_cache import ExactMatchCacheMiddleware
from gateway.reads.endpoints import Call
from gateway.reads.facts import Value
from gateway.upstream.hikerapi import client

NOTHING = "nothing"


def _whole_answers() -> None:
    """Repeats by request go with them: each is of a kept answer."""
    _set(Responses, "find", lambda self, key: None)
    _set(Responses, "keep", lambda self, key, response: None)


def _repeats() -> None:
    async def straight_on(self: ExactMatchCacheMiddleware, *call: Any) -> None:
        await self.app(*call)

    _set(ExactMatchCacheMiddleware, "__call__", straight_on)


def _decoded() -> None:
    """Kept projections go with them: each is of a decoded list."""

    def read(self: DecodedCache, call: Call, body: bytes) -> Value:
        return call.read(body)

    _set(DecodedCache, "read", read)


def _projections() -> None:
    _set(gateway.composition.operations, "Projections", lambda max_bytes: None)


def _plans() -> None:
    """All fields are executed by graphql-core; kept projections go with the plans that make them."""
    _set(ProjectingExecutionContext, "plan", lambda *_: None)


def _plans_of_documents() -> None:
    """Each operation compiles anew what is worth it, and finds no code of others."""

    def of(self: PlanCache, document: Any, variables: Any) -> DocumentPlans:
        self.modules.clear()
        return DocumentPlans(document, self.threshold, lambda grown: None)

    _set(PlanCache, "of", of)


class _Requests:
    """Makes the GETs as httpx does, which the transport then translates for aiohttp."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeouts: Mapping[str, float]) -> None:
        self._base = base_url.rstrip("/")
        self._headers = headers
        self._timeouts = timeouts

    def __call__(self, target: str) -> httpx.Request:
        extensions = {"timeout": self._timeouts}
        return httpx.Request("GET", self._base + target, headers=self._headers, extensions=extensions)


def _gets() -> None:
    _set(client, "GetRequestFactory", _Requests)


def _set(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, value)


LAYERS: Mapping[str, Callable[[], None]] = {
    NOTHING: lambda: None,
    "whole answers": _whole_answers,
    "repeats by request": _repeats,
    "decoded values": _decoded,
    "kept projections": _projections,
    "compiled plans": _plans,
    "plans by document": _plans_of_documents,
    "GET shortcut": _gets,
}

if __name__ == "__main__":
    LAYERS[sys.argv[1]]()
    sys.argv[1:] = sys.argv[2:]
    sys.exit(main())
