"""Gateways that share a cache in Redis: one buys, all have it; what one invalidates is invalid for all."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from gateway.domain.ids import UserId
from gateway.sandbox.faults import Truncated
from tests.shared_cache.instances import Instance, Upstream, charged, instances
from tests.shared_cache.listening import CLOCK, until
from tests.shared_cache.redis_server import RedisServer, redis_server

BY_NAME = """{ user(by: {username: "natgeo"}) {
  biography highlights(first: 2) { nodes { title items { totalCount } } } } }"""
ID = "787132"
BY_ID = BY_NAME.replace('username: "natgeo"', f'id: "{ID}"')
BIOGRAPHY = '{ user(by: {username: "natgeo"}) { biography } }'
ABSENT = '{ user(by: {username: "nobody.has.this.name"}) { biography } }'
HERD = 60
RATE = 10
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # pragma: allowlist secret


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as made:
        yield made


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
async def three(server: RedisServer, upstream: Upstream, tmp_path: Path) -> AsyncIterator[list[Instance]]:
    async with instances(3, tmp_path, upstream, {"GATEWAY_REDIS_URL": server.url}) as made:
        yield made


async def settled(instances: list[Instance]) -> None:
    """What was bought is in Redis, and who bought it has returned its right to."""
    shared = [one.gateway.reading.services.shared for one in instances]
    await until(lambda: all(one is not None and one.cache.is_idle for one in shared))


async def test_after_a_failed_call_the_others_do_not_wait_for_each_other(
    three: list[Instance], upstream: Upstream
) -> None:
    upstream.sandbox.faults.lay(Truncated())
    answers = await asyncio.gather(*(one.ask(BIOGRAPHY) for one in three))
    codes = [error["extensions"]["code"] for answer in answers for error in answer["errors"]]
    assert codes == ["UPSTREAM_INVALID_ANSWER"] * 3
    assert charged(*answers) == 3
    assert (len(upstream.transport.began), upstream.transport.most_at_once) == (3, 2)


async def test_a_herd_over_all_instances_makes_each_call_once(three: list[Instance], upstream: Upstream) -> None:
    answers = await asyncio.gather(*(three[at % 3].ask(BY_NAME) for at in range(HERD)))
    assert upstream.calls == {"/v1/user/by/username": 1, "/v1/user/highlights": 1, "/v1/highlight/by/url": 2}
    assert charged(*answers) == 5
    assert all(answer["data"] == answers[0]["data"] for answer in answers)
    calls = [call for answer in answers for call in answer["extensions"]["billing"]["calls"]]
    assert {call["state"] for call in calls} == {"BOUGHT", "SHARED"}
    assert sum(call["state"] == "BOUGHT" for call in calls) == 4


async def test_what_one_bought_is_free_for_the_others_under_each_of_its_names(
    three: list[Instance], upstream: Upstream
) -> None:
    bought = await three[0].ask(BY_ID)
    await settled(three)
    calls = upstream.calls
    for query in (BY_ID, BY_NAME):
        for other in three[1:]:
            answer = await other.ask(query)
            assert answer["data"] == bought["data"]
            assert charged(answer) == 0
    assert upstream.calls == calls


async def test_an_absence_is_shared(three: list[Instance], upstream: Upstream) -> None:
    first = await three[0].ask(ABSENT)
    await settled(three)
    second = await three[1].ask(ABSENT)
    assert [error["message"] for error in second["errors"]] == [error["message"] for error in first["errors"]]
    assert second["errors"][0]["extensions"]["code"] == "NOT_FOUND"
    assert charged(second) == 0
    assert sum(upstream.calls.values()) == 1


async def test_a_budget_of_nothing_is_enough_for_what_another_has_bought(
    three: list[Instance], upstream: Upstream
) -> None:
    await three[0].ask(BY_NAME)
    await settled(three)
    response = await three[1].client.post("/graphql", json={"query": BY_NAME}, headers={"x-billing-limit": "0"})
    assert "errors" not in response.json()


async def test_a_change_that_one_makes_is_seen_by_all(three: list[Instance], upstream: Upstream) -> None:
    for one in three:
        await one.ask(BY_NAME)
        await settled(three)
    three[0].gateway.reading.services.memory.forget(UserId(ID), "natgeo")
    memories = [one.gateway.reading.services.memory for one in three]
    await until(lambda: all(one.version > 0 for one in memories))
    before = upstream.calls["/v1/user/highlights"]
    answers = await asyncio.gather(*(one.ask(BY_NAME) for one in three))
    assert upstream.calls["/v1/user/highlights"] == before + 1
    assert charged(*answers) == 2


async def test_a_second_change_is_seen_by_all_though_who_made_it_has_read_nothing_since(
    three: list[Instance], upstream: Upstream
) -> None:
    memories = [one.gateway.reading.services.memory for one in three]
    memories[0].forget(UserId(ID), "natgeo")
    await until(lambda: all(one.version > 0 for one in memories))
    await three[1].ask(BY_NAME)
    await settled(three)
    before, calls = memories[1].version, upstream.calls["/v1/user/highlights"]
    memories[0].forget(UserId(ID), "natgeo")
    await until(lambda: memories[1].version > before)
    assert charged(*[await one.ask(BY_NAME) for one in three[1:]]) == 2
    assert upstream.calls["/v1/user/highlights"] == calls + 1


async def test_forgotten_data_does_not_come_back(three: list[Instance], upstream: Upstream) -> None:
    for one in three:
        await one.ask(BY_NAME)
        await settled(three)
    before = sum(upstream.calls.values())
    await three[0].gateway.control.forget(UserId(ID))
    others = [one.gateway.reading.services.memory for one in three[1:]]
    await until(lambda: all(not len(one.store) for one in others))
    answers = await asyncio.gather(*(one.ask(BY_NAME) for one in three))
    assert sum(upstream.calls.values()) == before + 4
    assert charged(*answers) == 5


async def test_without_redis_each_buys_for_itself_and_says_so(
    server: RedisServer, three: list[Instance], upstream: Upstream
) -> None:
    server.kill()
    for one in three:
        await until(partial(_has_warnings, one))
        readiness = await one.readiness()
        assert readiness["ready"]
        assert readiness["warnings"] == {
            "shared_cache": "The shared cache is unreachable: each instance buys for itself."
        }
    answers = [await one.ask(BY_NAME) for one in three]
    assert charged(*answers) == 15
    assert all(answer["extensions"]["cache"] == {"shared": "unavailable"} for answer in answers)
    again = await three[0].ask(BY_NAME)
    assert charged(again) == 0
    assert "cache" not in again["extensions"], "nothing was missing"
    server.start()
    await until(lambda: not any(one.gateway.health.warnings for one in three))
    answers = await asyncio.gather(*(three[at % 3].ask(BY_NAME.replace("natgeo", "nasa")) for at in range(9)))
    assert charged(*answers) <= 5


async def test_an_invalidation_that_could_not_be_sent_is_sent_later(
    server: RedisServer, three: list[Instance], upstream: Upstream
) -> None:
    for one in three:
        await one.ask(BY_NAME)
        await settled(three)
    server.freeze()
    await until(lambda: all(one.gateway.health.warnings for one in three))
    memories = [one.gateway.reading.services.memory for one in three]
    memories[0].forget(UserId(ID), "natgeo")
    server.thaw()
    await until(lambda: all(one.version > 0 for one in memories))
    assert charged(await three[1].ask(BY_NAME)) == 2


async def test_a_replica_that_takes_no_invalidation_costs_no_operation_its_time(
    server: RedisServer, three: list[Instance], upstream: Upstream
) -> None:
    server.command("REPLICAOF", "127.0.0.1", "1")
    await until(lambda: all(one.gateway.health.warnings for one in three))
    three[0].gateway.reading.services.memory.forget(UserId(ID), "natgeo")
    await CLOCK.sleep(1.0)
    began = CLOCK.monotonic()
    for at in range(20):
        await three[0].ask(BIOGRAPHY.replace("natgeo", f"user_{at}"))
    assert CLOCK.monotonic() - began < 8.0, "a quarter of a second at each of two look-ups would be ten"


async def test_nothing_that_is_kept_in_redis_tells_a_name_where_there_is_a_key(
    server: RedisServer, upstream: Upstream, tmp_path: Path
) -> None:
    settings = {"GATEWAY_REDIS_URL": server.url, "GATEWAY_CACHE_KEY": KEY}
    async with instances(2, tmp_path, upstream, settings) as two:
        await two[0].ask(BY_NAME)
        await settled(two)
        assert charged(await two[1].ask(BY_NAME)) == 0
        two[0].gateway.reading.services.memory.forget(UserId(ID), "natgeo")
        await until(lambda: two[1].gateway.reading.services.memory.version > 0)
        dump = b"".join(_all_bytes(server))
    assert len(dump) > 1_000
    for personal in (b"natgeo", ID.encode(), b"National"):
        assert personal not in dump


async def test_without_a_key_no_name_of_a_redis_key_tells_what_it_is_about(
    server: RedisServer, three: list[Instance]
) -> None:
    await three[0].ask(BY_NAME)
    await settled(three)
    names = server.command("KEYS", "*")
    assert isinstance(names, list)
    assert len(names) > 4
    assert not [name for name in names if b"natgeo" in name or ID.encode() in name or b"sandbox" in name]


async def test_a_document_that_one_has_registered_is_known_to_all(three: list[Instance]) -> None:
    digest = hashlib.sha256(BIOGRAPHY.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    unknown = await three[1].client.post("/graphql", json={"extensions": extensions})
    assert unknown.json()["errors"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
    await three[0].client.post("/graphql", json={"query": BIOGRAPHY, "extensions": extensions})
    await settled(three)
    for one, given in (
        (three[1], {"extensions": extensions}),
        (three[2], {"documentId": f"sha256:{digest}"}),
    ):
        assert (await one.client.post("/graphql", json=given)).json()["data"] is not None


async def test_together_they_stay_within_the_rate_of_the_read_api(
    server: RedisServer, upstream: Upstream, tmp_path: Path
) -> None:
    settings = {"GATEWAY_REDIS_URL": server.url, "GATEWAY_HIKERAPI_RATE": str(RATE)}
    async with instances(3, tmp_path, upstream, settings) as many:
        began, before = CLOCK.monotonic(), len(upstream.transport.began)
        queries = [BIOGRAPHY.replace("natgeo", f"user_{at}") for at in range(3 * RATE)]
        await asyncio.gather(*(many[at % 3].ask(query) for at, query in enumerate(queries)))
    sent = [at - began for at in upstream.transport.began[before:]]
    assert len(sent) == 3 * RATE
    # A burst of one second, then the rate: the upstream sees the requests a little later than they were due.
    assert all(number <= RATE * (1 + at) + 1 for number, at in enumerate(sorted(sent)))
    assert max(sent) > 1.5


def _has_warnings(one: Instance) -> bool:
    return bool(one.gateway.health.warnings)


def _all_bytes(server: RedisServer) -> Iterator[bytes]:
    names = server.command("KEYS", "*")
    assert isinstance(names, list)
    for name in names:
        yield name
        kind = server.command("TYPE", name.decode())
        content = server.command("GET", name.decode()) if kind == b"string" else server.command("DUMP", name.decode())
        yield content if isinstance(content, bytes) else repr(content).encode()
