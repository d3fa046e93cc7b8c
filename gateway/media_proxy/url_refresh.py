"""A picture whose URL has died although it should not have: the upstream answer it came from, once more.

What a token refers to is `item:PK`, `highlight:PK` or `user:PK`. Nobody is asked for money here, because a token says
nothing of who shows it: what is bought is booked on a purse of the gateway's own. So little is bought, however many
links are shown how often: each answer once in `ONCE` seconds, one after the other, and none for `PAUSE` seconds after
a new URL turned out to be dead as well: the picture servers then refuse more than a URL.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import assert_never
from urllib.parse import urlsplit

import msgspec
from cachetools import TTLCache

from gateway.billing.budget import OperationBudget
from gateway.cache.single_flight import SingleFlight
from gateway.domain.ids import HighlightId, ItemId, UserId
from gateway.errors import UpstreamError
from gateway.media_proxy.proxy import identity
from gateway.planner.fetcher import Fetcher, UpstreamServices
from gateway.planner.requirements import Need, Requirement
from gateway.upstream.hikerapi.endpoints import Call, Endpoint

REFERENCE = re.compile(r"(item|highlight|user):([0-9]{1,20})")
MOST_SIZES = 1_000  # of one picture, in one answer: some ten are usual
URL = re.compile(rb'"https?:(?:[^"\\]|\\.)*"')
ONCE = 3_600.0  # seconds
PAUSE = 600.0  # seconds
TROUBLE = 60.0  # seconds without a purchase after the upstream has failed
# Answers whose renewal is remembered: more than may be bought in ONCE seconds by what is allowed unless it is set.
REMEMBERED = 2_000
# Renewals that wait for their turn; whoever comes beyond finds the picture gone for now.
WAITING = 16

IsAlive = Callable[[str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Named:
    """What the newest answer that shows a picture calls it: by `newer`, or, where that is None, as it was called."""

    newer: str | None


class UrlRefresher:
    """Looks into what is remembered, and buys if it has to.

    `purse` is made anew for each purchase. `is_alive` says whether the picture servers honour a URL.
    """

    def __init__(self, market: UpstreamServices, purse: Callable[[], OperationBudget], *, is_alive: IsAlive) -> None:
        self._market = market
        self._purse = purse
        self._is_alive = is_alive
        self._bought: TTLCache[Call, bool] = TTLCache(REMEMBERED, ttl=ONCE, timer=market.clock.monotonic)
        self._flights: SingleFlight[Call, None] = SingleFlight()
        self._turn = asyncio.Lock()
        self._paused_until = float("-inf")

    async def __call__(self, reference: str, url: str) -> str | None:
        """The picture's URL in a newer answer; None if there is none, or if it may not be bought."""
        match = REFERENCE.fullmatch(reference)
        if match is None:
            return None
        calls = self._calls(match[1], match[2])
        named = self._named(calls, url)
        if named is not None and named.newer is not None:
            return named.newer
        call = next((call for call in calls if self._shows(call, url)), calls[0])
        if not await self._renews(call, calls, url):
            return None
        named = self._named(calls, url)
        return None if named is None else named.newer

    async def drain(self) -> None:
        """What is not bought yet is not worth waiting for."""
        await self._flights.drain(0)

    async def _renews(self, call: Call, calls: list[Call], url: str) -> bool:
        """Whether `call` was bought anew; whoever wants it at the same time shares one purchase."""
        if call not in self._flights:
            if call in self._bought or self._is_paused() or len(self._flights) >= WAITING:
                return False
            self._flights.start(call, self._renewal(call, calls, url))
        await self._flights.join(call)
        return call in self._bought

    async def _renewal(self, call: Call, calls: list[Call], url: str) -> None:
        """Ends when it is known whether it was of use: the next one may depend on it."""
        async with self._turn:
            if self._is_paused():
                return
            self._bought[call] = True  # also if it fails, and is charged all the same
            buyer = Fetcher(self._market, self._purse(), forced=False, anew=frozenset(calls))
            await buyer.answer([_question(call)])
            problems = [line.problem for line in buyer.bill.lines]
            if any(isinstance(problem, UpstreamError) for problem in problems):
                self._pause(TROUBLE)
            elif not any(problems) and not await self._is_of_use(call, url):
                self._pause(PAUSE)
            if any(problems) and not buyer.bill.charged:
                del self._bought[call]

    async def _is_of_use(self, call: Call, url: str) -> bool:
        """Whether the picture has a URL again that is honoured. One that is shown no more is no trouble."""
        named = self._named([call], url)
        return named is None or (named.newer is not None and await self._is_alive(named.newer))

    def _pause(self, seconds: float) -> None:
        self._paused_until = self._market.clock.monotonic() + seconds

    def _is_paused(self) -> bool:
        return self._market.clock.monotonic() < self._paused_until

    def _calls(self, noun: str, pk: str) -> list[Call]:
        """Whose answers show the picture, the one first that is bought where none of them is known to have shown it."""
        if noun == "user":
            return [Call(Endpoint.PROFILE, pk)]
        memory = self._market.memory
        if noun == "highlight":
            home = memory.home(pk)
            return [Call(Endpoint.HIGHLIGHT, pk), *([] if home is None else [Call(Endpoint.TRAY, home)])]
        shelf = memory.shelf(pk)
        # All items of a highlight come with it, for the price of one.
        return [*([] if shelf is None else [Call(Endpoint.HIGHLIGHT, shelf)]), Call(Endpoint.ITEM, pk)]

    def _shows(self, call: Call, url: str) -> bool:
        entry = self._market.memory.store.get(call)
        return entry is not None and url in pictures(url, entry.body)

    def _named(self, calls: list[Call], url: str) -> Named | None:
        """None where no answer shows the picture."""
        entries = [entry for call in calls if (entry := self._market.memory.store.get(call)) is not None]
        for entry in sorted(entries, key=lambda entry: -entry.fetched_at):
            if found := pictures(url, entry.body):
                return Named(None if url in found else found[0])
        return None


def pictures(url: str, body: bytes) -> list[str]:
    """The URLs in an answer's JSON that show the file of `url`, those first that show it in the same size."""
    path = urlsplit(url).path
    written = islice(_urls_with(path.rpartition("/")[2].encode(), body), MOST_SIZES)
    found = [other for other in written if urlsplit(other).path == path]
    return sorted(found, key=lambda other: identity(other) != identity(url))


def _urls_with(name: bytes, body: bytes) -> Iterator[str]:
    """Looks at no more of the answer than it must, and at none of it twice: whoever has a link can have it looked at.

    Of a text that is no URL the rest is passed over, however often it holds the name.
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


def _question(call: Call) -> Requirement:
    match call.endpoint:
        case Endpoint.PROFILE:
            return Requirement(UserId(call.key), Need.PROFILE, path="")
        case Endpoint.TRAY:
            return Requirement(UserId(call.key), Need.TRAY, path="")
        case Endpoint.HIGHLIGHT:
            return Requirement(HighlightId(call.key), Need.ITEMS, path="")
        case Endpoint.ITEM:
            return Requirement(ItemId(call.key), Need.ITEM, path="")
        case Endpoint.PROFILE_BY_USERNAME | Endpoint.TRAY_BY_USERNAME:
            raise AssertionError("a link names everything by its id")
        case _:
            assert_never(call.endpoint)
