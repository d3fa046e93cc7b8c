"""The page of metrics: its formats, and what it says of a gateway that is used."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import parser

from gateway.call_events import UpstreamQueueChanged
from gateway.http.routes.metrics import PATH, metrics_app
from gateway.sandbox.faults import Info, Status, WrongTypes
from gateway.server.side_server import SideServer
from gateway.settings import Settings
from tests.fakes.gateway import Terms, key_of, running_gateway
from tests.metrics.harness import ADDRESS, measured

TRAY = '{ user(by: { username: "natgeo" }) { highlights { totalCount } } }'
LIKE = 'mutation { setLike(input: { account: "787132", id: "3286412355219875123", liked: true }) { flow { state } } }'
TRAY_BY_ID = "query ($id: ID!) { user(by: { id: $id }) { highlights { totalCount } } }"


async def test_a_scraper_gets_the_format_that_it_accepts(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        plain = await run.scraper.get(PATH)
        openmetrics = await run.scraper.get(PATH, headers={"accept": "application/openmetrics-text;version=1.0.0"})
        packed = await run.scraper.get(PATH, headers={"accept-encoding": "gzip"})
    assert plain.headers["content-type"].startswith("text/plain; version=")
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert {family.name for family in families(openmetrics.text)} >= {
        *("highlights_gateway_billed_requests", "highlights_gateway_build_info", "process_cpu_seconds")
    }
    assert packed.headers["content-encoding"] == "gzip"


def families(openmetrics: str) -> list[Metric]:
    return list(parser.text_string_to_metric_families(openmetrics))  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", PATH, "127.0.0.1:9464", 200),
        ("HEAD", PATH, "localhost:9464", 200),
        ("GET", PATH, "page.example", 421),
        ("POST", PATH, "127.0.0.1:9464", 405),
        ("GET", "/", "127.0.0.1:9464", 404),
        ("GET", "/metrics/", "127.0.0.1:9464", 404),
    ],
)
async def test_nothing_but_the_page_is_served_and_to_no_other_host(
    method: str, path: str, host: str, status: int, tmp_path: Path
) -> None:
    """A web page can make its own name lead to this machine."""
    async with measured(tmp_path) as run:
        assert (await run.scraper.request(method, path, headers={"host": host})).status_code == status


async def test_off_there_are_none(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        assert gateway.parts.observers.monitoring is None


async def test_billed_requests_are_counted_by_client_and_endpoint(tmp_path: Path) -> None:
    clients = {"web": Terms(allowance={"day": 20}), "batch": Terms()}
    async with measured(tmp_path, clients=clients) as run:
        for client in ("web", "web", "batch"):
            await run.gateway.query(TRAY, client=client)
        await run.gateway.query(TRAY_BY_ID, {"id": "75885841119"}, client="batch")
        page = await run.scrape()
        assert page.values("billed_requests_total") == {
            ("web", "tray_by_username"): 3,
            ("batch", "tray"): 2,
        }
        assert sum(page.values("billed_requests_total").values()) == run.gateway.billed
        assert page.values("allowance_remaining_requests", client="web") == {("day",): 17}
        assert page.values("allowance_limit_requests", client="web") == {("day",): 20}
        assert page.value("upstream_balance_requests") == run.gateway.sandbox.balance
        assert page.values("upstream_requests_total", endpoint="tray") == {("200", "reading"): 1}
        assert page.value("upstream_request_duration_seconds_count", endpoint="tray", upstream="reading") == 1


async def test_lookups_of_the_caches_are_hits_or_misses(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        for _ in range(4):
            await run.gateway.query(TRAY)
        await run.gateway.query('{ user(by: { username: "natgeo" }) { highlights { nodes { title } } } }')
        page = await run.scrape()
    assert page.values("cache_lookups_total", kind="tray") == {("miss",): 1, ("hit",): 1, ("stale",): 0}
    assert page.value("cache_lookups_total", kind="identity", result="hit") == 1
    assert page.values("calls_total") == {("tray_by_username", "bought"): 1}
    assert page.values("response_lookups_total") == {("exact_match",): 2, ("response_cache",): 1, ("miss",): 2}


async def test_replays_of_exact_matches_are_operations_as_well(tmp_path: Path) -> None:
    async with measured(tmp_path, clients={"web": Terms()}) as run:
        for _ in range(5):
            await run.gateway.query(TRAY, client="web")
        for _ in range(2):  # the second finds nothing new
            page = await run.scrape()
        assert sum(page.values("operations_total", outcome="ok").values()) == 5
        assert page.value("client_operations_total", client="web", outcome="ok") == 5
        durations = page.values("operation_duration_seconds_count", type="query")
        assert durations == {("executed",): 1, ("response_cache",): 1, ("exact_match",): 3}
        assert page.value("operation_duration_seconds_sum", type="query", source="exact_match") > 0
        assert page.value("saved_requests_total", client="web", by="cache") == 4 * 3


async def test_a_key_that_is_refused_is_a_state(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        run.gateway.sandbox.faults.lay(Status(status=401))
        await run.gateway.query(TRAY)
        page = await run.scrape()
    states = page.values("upstream_access_state", upstream="reading")
    assert states == {("answers",): 0, ("refuses",): 1, ("fails",): 0}


async def test_answers_that_are_not_as_documented_are_counted_by_what_deviates(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        run.gateway.sandbox.faults.lay(Info(price=5, endpoint="/v1/*", times=1))
        await run.gateway.query(TRAY_BY_ID, {"id": "787132"})
        run.gateway.clock.advance(1_000)
        run.gateway.sandbox.faults.lay(WrongTypes(endpoint="/v1/*", times=1))
        await run.gateway.query(TRAY_BY_ID, {"id": "787132"})
        page = await run.scrape()
    assert page.values("upstream_deviations_total", endpoint="tray") == {("price",): 1, ("schema",): 1}


async def test_flows_are_counted_by_state_and_the_oldest_has_an_age(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        await run.gateway.knows_its_accounts()
        answer = await run.gateway.query(LIKE)
        assert answer.errors == []
        page = await run.scrape()
    assert page.values("flows") == {("running",): 0, ("done",): 1, ("failed",): 0, ("cancelled",): 0}
    assert page.value("flow_oldest_running_age_seconds") == 0
    assert page.value("flow_store_reachable") == 1
    assert page.values("flows_started_total") == {("set_like",): 1}
    assert page.values("flows_ended_total") == {("", "set_like", "done"): 1}


async def test_requests_that_wait_for_their_turn_are_a_queue(tmp_path: Path) -> None:
    async with measured(tmp_path) as run:
        run.monitoring.hear(UpstreamQueueChanged("reading", 3, "web"))
        assert (await run.scrape()).value("upstream_queue_length", upstream="reading") == 3
        run.monitoring.hear(UpstreamQueueChanged("reading", 2, "web", waited=43.0, is_late=True))
        page = await run.scrape()
    assert page.value("upstream_queue_length", upstream="reading") == 2
    assert page.value("upstream_queue_timeouts_total", upstream="reading") == 1
    waits = page.values("upstream_queue_wait_seconds_bucket", upstream="reading")
    assert waits["45.0",] - waits["15.0",] == 1
    assert page.value("client_queue_wait_seconds_total", upstream="reading", client="web") == 43


async def test_memory_is_told_by_share_of_its_budget(tmp_path: Path) -> None:
    settings = Settings(cache_bytes=64 * 2**20, media_bytes=2**20)
    async with measured(tmp_path, settings=settings) as run:
        for _ in range(3):
            await run.gateway.query(TRAY)
        page = await run.scrape()
    limits, used = page.values("memory_limit_bytes"), page.values("memory_used_bytes")
    assert sum(limits.values()) == settings.cache_bytes + settings.media_bytes
    assert limits.keys() == used.keys()
    assert all(used[share] <= limits[share] for share in limits)
    assert {share for (share,), bytes in used.items() if bytes} >= {"entries", "responses", "plans", "documents"}


async def test_no_secret_of_client_or_upstream_is_on_the_page(tmp_path: Path) -> None:
    settings = replace(Settings(), cursor_secret="secret-of-cursors", media_secret="secret-of-media")
    async with measured(tmp_path, clients={"web": Terms()}, settings=settings) as run:
        await run.gateway.query(TRAY, client="web")
        await run.gateway.query(TRAY, key="an-unknown-key")
        page = await run.scrape()
    for secret in (key_of("web"), "an-unknown-key", "secret-of", "natgeo", "787132", "sandbox-key"):
        assert secret not in page.text


def test_the_page_is_served_beside_the_loop_of_the_gateway() -> None:
    """Also while that one does nothing but wait for the page, as here."""
    with socket.create_server(ADDRESS) as listener:
        app = metrics_app(lambda accept, coding: ({"content-type": "text/plain"}, accept.encode()), ADDRESS[0])
        url = f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        with SideServer(app, listener).running():
            pages = [httpx.get(url, headers={"accept": f"text/{number}"}).text for number in range(3)]
    assert pages == ["text/0", "text/1", "text/2"]
