"""`doctor` of the Redis that gateways share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from gateway.commands.doctor.checkup import examined
from gateway.commands.doctor.findings import Finding, Result
from tests.commands.copies import environment, filled
from tests.shared_cache.redis_server import RedisServer, redis_server


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as made:
        yield made


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return filled(tmp_path / "data", 12)


def told(data: Path, url: str, *, is_offline: bool = False) -> Finding:
    given = environment(data, GATEWAY_REDIS_URL=url)
    (found,) = [one for one in examined(given, is_offline=is_offline) if one.check == "shared cache"]
    assert "secret" not in repr(found)
    return found


def test_a_server_that_is_set_up_for_it_is_well(data: Path, server: RedisServer) -> None:
    server.command("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "volatile-ttl")
    finding = told(data, server.url)
    assert (finding.result, "of its memory" in finding.finding) == (Result.OK, True)
    assert told(data, server.url, is_offline=True).result is Result.SKIPPED


@pytest.mark.parametrize(
    ("memory", "policy", "part"),
    [
        ("0", "volatile-ttl", "no `maxmemory`"),
        ("100mb", "allkeys-lru", "evicts the log"),
        ("100mb", "noeviction", "log"),
    ],
)
def test_a_server_that_may_fill_its_machine_or_lose_the_log_is_a_warning(
    data: Path, server: RedisServer, memory: str, policy: str, part: str
) -> None:
    server.command("CONFIG", "SET", "maxmemory", memory, "maxmemory-policy", policy)
    finding = told(data, server.url)
    assert (finding.result, part in finding.finding) == (Result.WARNING, True)


def test_a_replica_is_a_problem(data: Path, server: RedisServer) -> None:
    server.command("REPLICAOF", "127.0.0.1", "1")
    try:
        finding = told(data, server.url)
    finally:
        server.command("REPLICAOF", "NO", "ONE")
    assert (finding.result, "replica" in finding.finding) == (Result.PROBLEM, True)


def test_a_server_that_is_away_or_refuses_is_a_problem(data: Path, server: RedisServer) -> None:
    assert "unreachable" in told(data, "redis://user:secret@127.0.0.1:1/0").finding  # pragma: allowlist secret
    server.command("CONFIG", "SET", "requirepass", "other")
    try:
        finding = told(data, server.url.replace("unix://", "unix://:secret@"))
        assert (finding.result, "refuses" in finding.finding) == (Result.PROBLEM, True)
    finally:
        with redis.Redis.from_url(server.url.replace("unix://", "unix://:other@")) as client:
            client.config_set("requirepass", "")
