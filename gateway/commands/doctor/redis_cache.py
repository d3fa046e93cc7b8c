"""The check of the Redis that gateways share: whether it answers, and whether it is set up for a cache and a log."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from gateway.commands.doctor.findings import Finding, Installation, ok, problem, skipped, warning

if TYPE_CHECKING:
    from gateway.shared_cache.store_port import StoreProblem

SHARED_CACHE = "shared cache"
SECONDS = 3.0
OLDEST = (6, 2)
EVICTING = ("volatile-ttl", "volatile-lru", "volatile-lfu")
PAGE = "docs/operations/cache.md#share-the-cache"


def shared_cache(installation: Installation) -> Iterable[Finding]:
    url = installation.settings.redis_url
    if url is None:
        return
    if installation.is_offline:
        yield skipped(SHARED_CACHE, "Redis is not asked (--offline).")
        return
    from gateway.shared_cache.redis_inspection import RedisUnusable, inspect

    try:
        found = inspect(url, SECONDS)
    except RedisUnusable as error:
        yield _of_problem(error.problem)
        return
    yield from _of_server(found)


def _of_problem(kind: StoreProblem) -> Finding:
    from gateway.shared_cache.store_port import StoreProblem

    match kind:
        case StoreProblem.UNREACHABLE | StoreProblem.SLOW | StoreProblem.LOADING:
            return problem(
                SHARED_CACHE,
                f"Redis is {kind.value}: each process buys for itself.",
                "Check GATEWAY_REDIS_URL, the network, and that Redis runs.",
            )
        case StoreProblem.REFUSED:
            return problem(
                SHARED_CACHE,
                "Redis refuses the user, the password, or a command: each process buys for itself.",
                "Check GATEWAY_REDIS_URL, and what its user may do.",
            )
        case StoreProblem.FULL | StoreProblem.READ_ONLY | StoreProblem.FAILING | StoreProblem.DAMAGED:
            return problem(SHARED_CACHE, f"Redis is {kind.value}.", PAGE)
        case _:
            assert_never(kind)


def _of_server(found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the findings about a server that answers, from what it tells of itself."""
    version, policy = str(found["redis_version"]), str(found["maxmemory_policy"])
    most, is_bounded = int(found["maxmemory"]), int(found["maxmemory"]) > 0
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        yield problem(SHARED_CACHE, f"Redis {version} is too old.", "Run Redis 6.2 or newer, or Valkey.")
    elif found["role"] != "master":
        yield problem(SHARED_CACHE, "Redis is a replica: nothing can be stored.", "Name the primary.")
    elif found.get("cluster_enabled"):
        yield problem(SHARED_CACHE, "Redis is a node of a cluster: keys on other nodes are not found.", PAGE)
    elif not is_bounded:
        yield warning(
            SHARED_CACHE,
            f"Redis {version} has no `maxmemory`: it may take all memory of its machine.",
            "Set `maxmemory`, and `maxmemory-policy volatile-ttl`.",
        )
    elif policy not in EVICTING:
        yield warning(
            SHARED_CACHE,
            f"Redis {version} has `maxmemory-policy {policy}`: it evicts the log of invalidations, or nothing at all.",
            "Set `maxmemory-policy volatile-ttl`.",
        )
    else:
        yield ok(
            SHARED_CACHE, f"Redis {version} answers, and uses {int(found['used_memory']) / most:.0%} of its memory."
        )
