"""Entries and outcomes to remember, made of bytes as the upstream sends them."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.freshness import Lifetimes
from gateway.cache.store import EntryStore
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.reads.endpoints import Call, Endpoint
from gateway.reads.facts import Lifetime
from gateway.reads.port import ReadOutcome
from gateway.upstream.hikerapi import endpoints

LIFETIMES = Lifetimes(
    {
        **dict.fromkeys(Lifetime, 20),
        Lifetime.TRAY: 10,
        Lifetime.STORIES: 10,
        Lifetime.PROFILE: 30,
        Lifetime.USERNAME: 40,
        Lifetime.MISSING: 5,
    },
    stale=100,
    margin=3,
)


def memory(clock: Clock, *, max_bytes: int = 10**6) -> EntityCache:
    return EntityCache(
        EntryStore(max_bytes, clock, DecodedCache(max_bytes)),
        endpoints.ENDPOINTS,
        clock=clock,
        lifetimes=LIFETIMES,
        pointers=max_bytes,
    )


def answered(endpoint: Endpoint, key: str, value: Any, *, forced: bool = False) -> ReadOutcome:
    """The upstream answered `value`."""
    call, body = Call(endpoint, key, forced), msgspec.json.encode(value)
    return ReadOutcome(call, call.read(body), body, None, call.nominal_price, False, 0.1, 1)


def failed(endpoint: Endpoint, key: str, problem: GatewayError, *, forced: bool = False) -> ReadOutcome:
    call = Call(endpoint, key, forced)
    return ReadOutcome(call, None, b"", problem, call.nominal_price, False, 0.1, 1)


def user(pk: str = "1", username: str | None = "ann", **more: Any) -> dict[str, Any]:
    return {"pk": pk, "username": username, "full_name": "Ann", "is_private": False} | more


def entry(pk: str, owner: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"pk": pk, "id": f"highlight:{pk}", "user": owner, "title": f"Title {pk}", "media_count": 2} | more


def highlight(pk: str, owner: dict[str, Any], *items: str, **more: Any) -> dict[str, Any]:
    listed = [{"pk": item, "id": f"{item}_{owner['pk']}"} for item in items]
    return entry(pk, owner, media_ids=[int(item) for item in items], items=listed) | more
