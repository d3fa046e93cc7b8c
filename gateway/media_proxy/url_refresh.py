"""Refresh of a media URL that expired too early, by fetching its upstream response again.

A token refers to `item:PK`, `highlight:PK` or `user:PK`. No client can be charged, because a token does not identify
the reader: the cost is booked on a budget of the gateway's own. The cost is limited, however many links are requested:
each response is fetched once in `ONCE` seconds, one at a time, and none for `PAUSE` seconds after a fresh URL was
rejected as well, because the CDN then rejects more than single URLs.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import urlsplit

import msgspec
from cachetools import TTLCache

from gateway.billing.budget import OperationBudget
from gateway.domain.ids import HighlightId, Subject, UserId
from gateway.errors import UpstreamError
from gateway.media_proxy.proxy import identity
from gateway.planner.fetcher import Fetcher
from gateway.planner.requirements import Requirement
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.endpoints import Call, call_about
from gateway.reads.facts import EntityType, FactKind
from gateway.single_flight import SingleFlight

NOUNS = {entity.id.noun: entity for entity in EntityType}
REFERENCE = re.compile(rf"({'|'.join(NOUNS)}):([0-9]{{1,20}})")
MOST_SIZES = 1_000  # of one picture, in one response: some ten are usual
URL = re.compile(rb'"https?:(?:[^"\\]|\\.)*"')
ONCE = 3_600.0  # seconds
PAUSE = 600.0  # seconds
TROUBLE = 60.0  # seconds without a refresh after the upstream has failed
# Refreshed responses that are remembered: more than the default budget pays for in ONCE seconds.
REMEMBERED = 2_000
# Refreshes that may be queued; further requests are answered as if there were no other URL.
WAITING = 16

IsAlive = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class CurrentName:
    """A picture in the newest response that contains it: `newer` is its new URL, None if the URL is unchanged."""

    newer: str | None


class UrlRefresher:
    """A refresher of URLs, from the cache if possible and otherwise by a paid call.

    `new_budget` creates the budget of each call. `is_alive` returns whether the CDN accepts a URL.
    """

    def __init__(
        self, services: UpstreamServices, new_budget: Callable[[], OperationBudget], *, is_alive: IsAlive
    ) -> None:
        self._services = services
        self._new_budget = new_budget
        self._is_alive = is_alive
        self._fetched: TTLCache[Call, bool] = TTLCache(REMEMBERED, ttl=ONCE, timer=services.clock.monotonic)
        self._flights: SingleFlight[Call, None] = SingleFlight()
        self._turn = asyncio.Lock()
        self._paused_until = float("-inf")

    async def __call__(self, reference: str, url: str) -> str | None:
        """Return the picture's URL in a newer response; None if there is none, or if fetching it is not allowed."""
        match = REFERENCE.fullmatch(reference)
        if match is None:
            return None
        calls = self._calls(match[1], match[2])
        known = self._latest(calls, url)
        if known is not None and known.newer is not None:
            return known.newer
        call = next((call for call in calls if self._shows(call, url)), calls[0])
        if not await self._refresh(call, calls, url):
            return None
        known = self._latest(calls, url)
        return None if known is None else known.newer

    async def drain(self) -> None:
        """Cancel all refreshes in flight: none is worth waiting for."""
        await self._flights.drain(0)

    async def _refresh(self, call: Call, calls: list[Call], url: str) -> bool:
        """Fetch the response to `call` again. Return whether it was fetched. Concurrent callers share one fetch."""
        if call not in self._flights:
            if call in self._fetched or self._is_paused() or len(self._flights) >= WAITING:
                return False
            self._flights.start(call, self._refresh_response(call, calls, url))
        await self._flights.join(call)
        return call in self._fetched

    async def _refresh_response(self, call: Call, calls: list[Call], url: str) -> None:
        """Fetch one response and check the fresh URL, because the next refresh may depend on the result."""
        async with self._turn:
            if self._is_paused():
                return
            self._fetched[call] = True  # also if it fails, because a failure may be charged
            fetcher = Fetcher(self._services, self._new_budget(), forced=False, anew=frozenset(calls))
            await fetcher.answer([Requirement(call.about, call.endpoint.answers, path="")])
            problems = [line.problem for line in fetcher.bill.lines]
            if any(isinstance(problem, UpstreamError) for problem in problems):
                self._pause(TROUBLE)
            elif not any(problems) and not await self._is_of_use(call, url):
                self._pause(PAUSE)
            if any(problems) and not fetcher.bill.charged:
                del self._fetched[call]

    async def _is_of_use(self, call: Call, url: str) -> bool:
        """Return whether the picture has an accepted URL again. A picture that was removed counts as success."""
        known = self._latest([call], url)
        return known is None or (known.newer is not None and await self._is_alive(known.newer))

    def _pause(self, seconds: float) -> None:
        self._paused_until = self._services.clock.monotonic() + seconds

    def _is_paused(self) -> bool:
        return self._services.clock.monotonic() < self._paused_until

    def _calls(self, noun: str, pk: str) -> list[Call]:
        """Return the calls whose responses may contain the picture, the one to prefer without a cached one first."""
        cache, entity = self._services.memory, NOUNS[noun]
        own = self._call(entity.answer, entity.id(pk))
        if entity is EntityType.HIGHLIGHT and (owner := cache.owner_of(pk)) is not None:
            return [own, self._call(FactKind.TRAY, UserId(owner))]
        if entity is not EntityType.ITEM:
            return [own]
        highlight, listed = cache.highlight_of(pk), cache.list_of(pk)
        # A highlight's response contains all its items, for the price of one. A list costs more.
        above = [] if highlight is None else [self._call(FactKind.HIGHLIGHT, HighlightId(highlight))]
        return [*above, own] if listed is None else [*above, own, Call(listed.endpoint, listed.key)]

    def _call(self, kind: FactKind, subject: Subject) -> Call:
        return call_about(self._services.api.endpoints.answering(kind, type(subject)), subject)

    def _shows(self, call: Call, url: str) -> bool:
        entry = self._services.memory.store.get(call)
        return entry is not None and url in pictures(url, entry.body)

    def _latest(self, calls: list[Call], url: str) -> CurrentName | None:
        """Return the picture in the newest cached response that contains it, or None."""
        entries = [entry for call in calls if (entry := self._services.memory.store.get(call)) is not None]
        for entry in sorted(entries, key=lambda entry: -entry.fetched_at):
            if found := pictures(url, entry.body):
                return CurrentName(None if url in found else found[0])
        return None


def pictures(url: str, body: bytes) -> list[str]:
    """Return the URLs in a response's JSON for the file of `url`, those of the same size first."""
    path = urlsplit(url).path
    written = islice(_urls_with(path.rpartition("/")[2].encode(), body), MOST_SIZES)
    found = [other for other in written if urlsplit(other).path == path]
    return sorted(found, key=lambda other: identity(other) != identity(url))


def _urls_with(name: bytes, body: bytes) -> Iterator[str]:
    """Yield the URLs in `body` that contain `name`.

    The scan is lazy and reads no byte twice, because any reader of a link can cause one. The rest of a text that is not
    a URL is skipped, however often it contains the name.
    """
    begin = 0
    while name and (at := body.find(name, begin)) >= 0:
        quote = body.rfind(b'"', begin, at)
        match = URL.match(body, quote) if quote >= 0 else None
        if match is not None:
            yield msgspec.json.decode(match[0], type=str)
            begin = match.end()
        else:
            end = body.find(b'"', at)
            begin = end if end >= 0 else len(body)
