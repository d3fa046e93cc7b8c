"""The keys of a gateway that runs: shown to the others, and compared with theirs again and again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from gateway.clock import SystemClock
from gateway.composition.gateway_keys import GatewayKeys
from gateway.settings import Settings
from tests.durable.postgres import Cluster

LIMIT = 30.0


class HastyClock(SystemClock):
    """What is done every few seconds is done every few milliseconds."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.02)


@pytest.fixture
def settings(postgres: Cluster, tmp_path: Path) -> Settings:
    url = postgres.create().replace("postgresql+psycopg:", "postgresql:")
    return replace(Settings(), data_dir=tmp_path, database_url=url)


async def until(keys: GatewayKeys, *, has_problem: bool) -> str:
    async with asyncio.timeout(LIMIT):
        while (keys.problem is not None) is not has_problem:  # noqa: ASYNC110 (a thread tells)
            await asyncio.sleep(0.02)
    return keys.problem or ""


async def test_a_key_that_is_replaced_meanwhile_is_a_problem_until_it_is_back(settings: Settings) -> None:
    keys = GatewayKeys(settings, HastyClock())
    assert settings.ledger_url is not None
    async with keys.running():
        for path in settings.data_dir.glob("*.key"):
            path.unlink()
        with psycopg.connect(settings.ledger_url) as db:
            db.execute("UPDATE gateway_keys SET key = %s WHERE name = 'media'", [b"x" * 32])
        assert await until(keys, has_problem=True) == (
            "The key of media links in the database was replaced: restart the gateway."
        )
        with psycopg.connect(settings.ledger_url) as db:
            db.execute("UPDATE gateway_keys SET key = %s WHERE name = 'media'", [keys.media])
        await until(keys, has_problem=False)


async def test_a_gateway_that_ends_takes_its_fingerprints_back(settings: Settings) -> None:
    assert settings.ledger_url is not None
    query = "SELECT count(*) FROM gateway_key_uses"
    async with GatewayKeys(settings, HastyClock()).running():
        with psycopg.connect(settings.ledger_url) as db:
            assert db.execute(query).fetchone() == (4,)
    with psycopg.connect(settings.ledger_url) as db:
        assert db.execute(query).fetchone() == (0,)
