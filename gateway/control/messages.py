"""Requests from one worker to the others, and their answers, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from gateway.cache.statistics import FactStatistics, ResponseStatistics
from gateway.cache.subject_entries import Target
from gateway.domain.ids import HighlightId, UserId, Username
from gateway.domain.media import MediaId

TARGETS: Mapping[str, type[Target]] = {
    "user": UserId,
    "username": Username,
    "highlight": HighlightId,
    "media": MediaId,
}


class ForgetRequest(Struct, frozen=True, tag="forget"):
    """A request to forget the cached data of one target, a name of TARGETS and its key; or all of it."""

    target: str | None = None
    key: str = ""

    @classmethod
    def about(cls, target: Target | None) -> ForgetRequest:
        if target is None:
            return cls()
        name = next(name for name, kind in TARGETS.items() if type(target) is kind)
        return cls(name, target.key)

    @property
    def about_target(self) -> Target | None:
        return None if self.target is None else TARGETS[self.target](self.key)


class Forgotten(Struct, frozen=True):
    """The data that one worker has forgotten.

    `entries` are upstream answers and facts from them, `responses` those that were made of them; `bytes` is the memory
    of both. `price` is the most that it costs to buy the entries again, in billed requests.
    """

    entries: int
    responses: int
    bytes: int
    price: int


class ReportRequest(Struct, frozen=True, tag="report"):
    """A request for the report of a worker."""


class UpstreamReport(Struct):
    """The state of an upstream: of its circuit breaker, of the access to it, and the requests that wait for their turn.

    `access` is None until a response, or the lack of one, has told it; `problem` says what to check.
    """

    name: str
    breaker: str
    access: str | None
    problem: str | None
    waiting: int


class MemoryShare(Struct, frozen=True):
    """The bytes of one cache, in use and at most."""

    used: int
    limit: int


class WorkerReport(Struct, frozen=True):
    """The state of one worker. `started_at` is in Unix seconds.

    `facts` are counts by the name of the kind of fact, `memory` is by the name of the share. `retired` are endpoints
    that the upstream has retired, with the paths used in their place. `problems` has a sentence for each part that
    limits the service.
    """

    started_at: float
    facts: dict[str, FactStatistics]
    responses: ResponseStatistics
    memory: dict[str, MemoryShare]
    upstreams: list[UpstreamReport]
    retired: dict[str, str]
    calls_in_flight: int
    problems: list[str]


Request: TypeAlias = ForgetRequest | ReportRequest
