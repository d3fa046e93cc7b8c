"""Mixed load on a stack: clients that read, and clients that publish until each order is carried out."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from tests.chaos.upstream import Upstream

READERS = 6
PAUSE = 0.1  # seconds between two operations of a reader
FIRST_ACCOUNT = 7_000_000_000
READ_FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "status", "endpoint": "/v*", "status": 500, "rate": 0.08},
    {"kind": "status", "endpoint": "/v*", "status": 429, "rate": 0.04, "retry_after": 0.3},
    {"kind": "edge_html", "endpoint": "/v*", "status": 502, "rate": 0.04},
    {"kind": "dead_keep_alive", "endpoint": "/v*", "rate": 0.04},
)
ABSENT = 'user(by: {{ id: "{}" }}) {{ biography }}'
TRAY = 'user(by: { username: "natgeo" }) { highlights { nodes { title items { nodes { id } } } } }'
NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one operation. `code` is that of its first error; None where all of its data came, NO_ANSWER without one.

    `at` is when it was sent, in seconds of the monotonic clock.
    """

    at: float
    seconds: float
    code: str | None
    charged: int


class Readers:
    """Each sends one operation after the other: half are about an account that nobody asked for before."""

    def __init__(
        self, url: str, key: str, *, timeout: float, seed: int, number: int = READERS, first: int = FIRST_ACCOUNT
    ) -> None:
        """`number` is how many read at once, `first` the id of the first account that nobody asked for."""
        self.outcomes: list[Outcome] = []
        self._url = url
        self._number = number
        self._accounts = itertools.count(first)
        self._dice = random.Random(seed)
        limits = httpx.Limits(max_connections=None, keepalive_expiry=2.0)
        self._http = httpx.AsyncClient(headers={"x-api-key": key}, timeout=timeout, limits=limits, trust_env=False)

    async def read(self) -> None:
        """Until it is cancelled; an operation that is under way then is not counted."""
        try:
            await asyncio.gather(*(self._read() for _ in range(self._number)))
        finally:
            await self._http.aclose()

    async def ask(self) -> Outcome:
        query = ABSENT.format(next(self._accounts)) if self._dice.random() < 0.5 else TRAY
        at = time.monotonic()
        code, charged = await self._answer(f"{{ {query} }}")
        return Outcome(at, time.monotonic() - at, code, charged)

    async def _read(self) -> None:
        while True:
            self.outcomes.append(await self.ask())
            await asyncio.sleep(PAUSE)

    async def _answer(self, query: str) -> tuple[str | None, int]:
        try:
            response = await self._http.post(f"{self._url}/graphql", json={"query": query})
            body = response.json()
        except (httpx.HTTPError, ValueError):  # nginx itself answers in HTML
            return NO_ANSWER, 0
        return _code(body), int(body.get("extensions", {}).get("billing", {}).get("charged", 0))


def _code(body: Mapping[str, Any]) -> str | None:
    """That an account does not exist is the answer that was expected."""
    codes: Iterator[str] = (error["extensions"]["code"] for error in body.get("errors", ()))
    return next((code for code in codes if code != "NOT_FOUND"), None)


async def fail_upstream(upstream: Upstream, faults: tuple[dict[str, Any], ...], seed: int) -> None:
    """From now on a fifth of all upstream calls fail."""
    await upstream.play((*READ_FAULTS, *faults), seed)
