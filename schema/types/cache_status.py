"""The state of the caches of all workers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Self

import strawberry

from gateway.cache.statistics import FactStatistics, ResponseStatistics
from gateway.control.messages import WorkerReport
from schema.scalars import BigInt


@strawberry.type(description="The cached facts of one kind, and how often operations needed one since the start.")
class CachedFacts:
    kind: str = strawberry.field(description="The kind of fact, such as `tray` or `highlight`, as in the metrics.")
    entries: int = strawberry.field(description="Number of entries, fresh or stale.")
    bytes: BigInt = strawberry.field(description="Bytes of memory that they take.")
    hits: BigInt = strawberry.field(description="Lookups that a fresh entry answered.")
    misses: BigInt = strawberry.field(description="Lookups that needed a request to the upstream.")
    stale: BigInt = strawberry.field(description="Lookups that a stale entry answered, because that request failed.")
    hit_ratio: float | None = strawberry.field(
        description="Share of the hits among all lookups, from 0 to 1; null if there were none."
    )

    @classmethod
    def of(cls, kind: str, counts: Sequence[FactStatistics]) -> Self:
        hits, lookups = sum(each.hits for each in counts), sum(each.lookups for each in counts)
        return cls(
            kind=kind,
            entries=sum(each.entries for each in counts),
            bytes=BigInt(sum(each.bytes for each in counts)),
            hits=BigInt(hits),
            misses=BigInt(sum(each.misses for each in counts)),
            stale=BigInt(sum(each.stale for each in counts)),
            hit_ratio=_ratio(hits, lookups),
        )


@strawberry.type(description="The cached responses, and the operations whose response is the same for every client.")
class CachedResponses:
    responses: int = strawberry.field(description="Number of cached responses.")
    bytes: BigInt = strawberry.field(description="Bytes of memory that they take, with their replays.")
    replays: BigInt = strawberry.field(
        description="Operations answered before they were parsed, because an equal request was answered before."
    )
    hits: BigInt = strawberry.field(description="Operations answered by a cached response of an equal operation.")
    misses: BigInt = strawberry.field(description="Operations that were executed.")
    hit_ratio: float | None = strawberry.field(
        description="Share of the replays and hits among all of them, from 0 to 1; null if there were none."
    )

    @classmethod
    def of(cls, counts: Sequence[ResponseStatistics]) -> Self:
        replays, hits = sum(each.replays for each in counts), sum(each.hits for each in counts)
        misses = sum(each.misses for each in counts)
        return cls(
            responses=sum(each.responses for each in counts),
            bytes=BigInt(sum(each.bytes for each in counts)),
            replays=BigInt(replays),
            hits=BigInt(hits),
            misses=BigInt(misses),
            hit_ratio=_ratio(replays + hits, replays + hits + misses),
        )


@strawberry.type(description="The memory of one cache.")
class CacheMemory:
    name: str = strawberry.field(description="Name of the cache, such as `entries` or `responses`, as in the metrics.")
    used: BigInt = strawberry.field(description="Bytes in use.")
    limit: BigInt = strawberry.field(description="Bytes at most.")


@strawberry.type(description="The caches of all workers that have answered: sums over them, since their starts.")
class CacheStatus:
    hit_ratio: float | None = strawberry.field(
        description="Share of the hits among the lookups of all facts, from 0 to 1; null if there were none."
    )
    facts: list[CachedFacts] = strawberry.field(description="The cached facts by kind.")
    responses: CachedResponses = strawberry.field(description="The cached responses.")
    memory: list[CacheMemory] = strawberry.field(description="The memory by cache.")

    @classmethod
    def of(cls, reports: Sequence[WorkerReport]) -> Self:
        by_kind, by_cache = defaultdict(list), defaultdict(list)
        for report in reports:
            for kind, counts in report.facts.items():
                by_kind[kind].append(counts)
            for name, share in report.memory.items():
                by_cache[name].append(share)
        every = [counts for found in by_kind.values() for counts in found]
        return cls(
            hit_ratio=_ratio(sum(each.hits for each in every), sum(each.lookups for each in every)),
            facts=[CachedFacts.of(kind, counts) for kind, counts in sorted(by_kind.items())],
            responses=CachedResponses.of([report.responses for report in reports]),
            memory=[
                CacheMemory(
                    name=name,
                    used=BigInt(sum(each.used for each in shares)),
                    limit=BigInt(sum(each.limit for each in shares)),
                )
                for name, shares in by_cache.items()
            ],
        )


def _ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
