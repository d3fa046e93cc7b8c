"""A picture whose URL has died although it should not have: the upstream answer it came from, once more.

What a token refers to is `item:PK`, `highlight:PK` or `user:PK`. Nobody is asked for money here, because a token says
nothing of who shows it: what is bought is booked on a purse of the gateway's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from urllib.parse import urlsplit

import msgspec

from gateway.domain.ids import HighlightId, ItemId, UserId
from gateway.media.proxy import identity
from gateway.planner.budget import Purse
from gateway.planner.fetch import Buyer, Market
from gateway.planner.walk import Question, Want
from gateway.upstream.endpoints import Call, Endpoint

REFERENCE = re.compile(r"(item|highlight|user):([0-9]{1,20})")
MOST_SIZES = 1_000  # of one picture, in one answer: some ten are usual
URL = re.compile(rb'"https?:(?:[^"\\]|\\.)*"')


class Renewal:
    """Looks into what is remembered, and buys if it has to. `purse` is made anew for each purchase."""

    def __init__(self, market: Market, purse: Callable[[], Purse]) -> None:
        self._market = market
        self._purse = purse

    async def __call__(self, reference: str, url: str) -> str | None:
        """The picture's URL in a newer answer; None if there is none, or if it may not be bought."""
        match = REFERENCE.fullmatch(reference)
        if match is None:
            return None
        question, calls = self._asked(match[1], match[2])
        known = self._found(calls, url)
        if known is not None:
            return known
        # Dead URLs in them: nobody should be handed any more of these.
        for call in calls:
            self._market.memory.store.forget(call)
        await Buyer(self._market, self._purse(), forced=False).answer([question])
        return self._found(calls, url)

    def _asked(self, noun: str, pk: str) -> tuple[Question, list[Call]]:
        """What to ask, and where the answer is kept."""
        if noun == "user":
            return Question(UserId(pk), Want.PROFILE, path=""), [Call(Endpoint.PROFILE, pk)]
        if noun == "highlight":
            return Question(HighlightId(pk), Want.ITEMS, path=""), [Call(Endpoint.HIGHLIGHT, pk)]
        shelf = self._market.memory.shelf(pk)
        calls = [Call(Endpoint.ITEM, pk), *([] if shelf is None else [Call(Endpoint.HIGHLIGHT, shelf)])]
        return Question(ItemId(pk), Want.ITEM, path=""), calls

    def _found(self, calls: list[Call], url: str) -> str | None:
        entries = (self._market.memory.store.get(call) for call in calls)
        found = (renewed(url, entry.body) for entry in entries if entry is not None)
        return next((other for other in found if other is not None), None)


def renewed(url: str, body: bytes) -> str | None:
    """Another URL of the same picture in an answer's JSON; of the same file, if this size of it is not there."""
    name = urlsplit(url).path.rpartition("/")[2].encode()
    written = islice((match[0] for match in URL.finditer(body) if name in match[0]), MOST_SIZES)
    others = [other for other in map(_text, written) if urlsplit(other).path == urlsplit(url).path and other != url]
    same = (other for other in others if identity(other) == identity(url))
    return next(same, next(iter(others), None))


def _text(written: bytes) -> str:
    return msgspec.json.decode(written, type=str)
