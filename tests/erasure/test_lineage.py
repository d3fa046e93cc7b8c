"""Whatever is stored stands in the table of places; and with PostgreSQL and Redis, too, nothing of a person is left."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Iterable, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.clients.usage import NAME as USES
from gateway.commands.copies import DATABASES, KEYS
from gateway.composition import cache_sharing, record_stores
from gateway.composition.app import Gateway
from gateway.durable.leases import FOLDER as SLOTS
from gateway.erasure import lineage
from gateway.erasure.lineage import Place
from gateway.http.routes.data_requests import DELETE
from gateway.settings import Settings
from tests.durable.postgres import Cluster
from tests.erasure.stored import in_files, in_redis, in_tables, with_one_of
from tests.erasure.test_erasure import CREATE, READ, SETTINGS, TITLE, posted, worked_off
from tests.fakes.gateway import ORIGIN, FlowingClock, RunningGateway
from tests.meta.tree import ROOT
from tests.shared_cache.redis_server import RedisServer, redis_server


def unnamed(names: Iterable[str], places: Iterable[Place]) -> list[str]:
    return [name for name in names if sum(place.has(name) for place in places) != 1]


def test_each_file_that_the_code_names_has_one_place() -> None:
    files = {*DATABASES, *KEYS, *record_stores.FILES.values(), cache_sharing.FILE, USES, "layout", f"{SLOTS}/one"}
    assert len(files) > 12
    assert unnamed([*files, *(f"{name}-wal" for name in DATABASES)], lineage.FILES) == []


def test_what_is_new_has_no_place() -> None:
    assert unnamed(["new.sqlite3"], lineage.FILES) == ["new.sqlite3"]
    assert unnamed(["gateway_new"], lineage.TABLES) == ["gateway_new"]
    assert unnamed(["hg1:{0a}:new"], lineage.KEYS) == ["hg1:{0a}:new"]


def table() -> str:
    lines = ["| where | what of persons | how it is found | erasing | kept |", "|---|---|---|---|---|"]
    for where, places in lineage.ALL.items():
        for one in places:
            cells = (shown(where, one), one.holds, one.found or "-", one.erasure.value, one.retention)
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def shown(where: str, place: Place) -> str:
    return f"{where}: {place.title}"


def test_the_document_has_the_table() -> None:
    assert table() in (ROOT / "docs/privacy.md").read_text()


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as server:
        yield server


@contextlib.asynccontextmanager
async def running(settings: Settings, clock: FlowingClock) -> AsyncIterator[RunningGateway]:
    parts = Gateway(settings, None, clock, ORIGIN)
    app = parts.app()
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=ORIGIN) as client,
    ):
        yield RunningGateway(app, client, clock, parts)


@pytest.mark.postgres
async def test_nothing_of_a_person_is_left_in_postgresql_and_redis(
    postgres: Cluster, server: RedisServer, tmp_path: Path
) -> None:
    url, clock = postgres.create(), FlowingClock()
    database = url.replace("postgresql+psycopg:", "postgresql:")
    settings = dataclasses.replace(
        SETTINGS, data_dir=tmp_path, database_url=database, redis_url=server.url, cache_disk=False
    )

    def stored() -> dict[str, bytes]:
        return in_files(tmp_path) | in_tables(url) | in_redis(server)

    async with running(settings, clock) as gateway:
        await gateway.knows_its_accounts()
        account = (await gateway.query("{ accounts { id user { username } } }")).data["accounts"][0]
        person, name = account["id"], account["user"]["username"]
        assert (await gateway.query(READ, {"id": person})).data["user"]["username"] == name
        gateway.at_once()
        given = {"account": person, "title": TITLE, "media": [{"url": "https://images.example.com/lighthouse.jpg"}]}
        made = await gateway.query(CREATE, {"input": {**given, "idempotencyKey": "a", "waitSeconds": 25}})
        assert made.data["createHighlight"]["flow"]["state"] == "DONE"
        assert (await gateway.query(READ, {"id": person})).data["user"]["username"] == name
        marks = [person, name, TITLE, "lighthouse"]
        assert any(place.startswith("hg") for place in with_one_of(stored(), marks))
        answer = await posted(gateway, DELETE, user_id=person, issued_at=clock.now())
        await worked_off(gateway, clock)
        page = await gateway.client.get(f"/deletion/{answer.json()['confirmation_code']}")
        assert "Your data was deleted" in page.text
        assert with_one_of(stored(), marks) == {}
        assert unnamed(in_tables(url), lineage.TABLES) == []
        assert unnamed(in_redis(server), lineage.KEYS) == []
        assert unnamed(in_files(tmp_path), lineage.FILES) == []
