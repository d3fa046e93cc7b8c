"""The spans of an operation's calls: what each cost, who bought it, and the requests below it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from gateway.sandbox import fixture_users
from gateway.sandbox.faults import Latency, Status
from gateway.settings import Settings
from tests.fakes.gateway import Terms
from tests.tracing.recorder import attributes, error, id_of, links_of, parent_of, trace_of
from tests.tracing.stage import traced

TRAY = f'{{ user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ highlights {{ totalCount }} }} }}'
TITLES = f'query Titles {{ user(by: {{ id: "{fixture_users.THIRTY.pk}" }}) {{ highlights {{ nodes {{ title }} }} }} }}'
BOUGHT = {"endpoint": "tray", "price": 2, "charged": 2, "source": "bought"}


async def test_a_bought_call_has_its_price_its_charge_and_its_request(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await gateway.query(TRAY)
        call, request = gateway.recorder.one("call tray"), gateway.recorder.one("GET")
        assert (attributes(call), error(call)) == (BOUGHT, None)
        assert parent_of(request) == id_of(call)
        assert request.kind.name == "CLIENT"
        assert attributes(request) == {
            "http.request.method": "GET",
            "server.address": "api.hikerapi.com",
            "server.port": 443,
            "http.response.status_code": 200,
            "endpoint": "tray",
            "charged": 2,
        }


async def test_each_attempt_of_a_call_has_a_span_with_its_number(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        gateway.sandbox.faults.lay(Status(status=503, times=2, endpoint="/v1/user/highlights"))
        await gateway.query(TRAY)
        requests = gateway.recorder.named("GET")
        assert [attributes(request).get("http.request.resend_count") for request in requests] == [None, 1, 2]
        assert [attributes(request)["http.response.status_code"] for request in requests] == [503, 503, 200]
        assert [error(request) for request in requests] == ["UPSTREAM_UNAVAILABLE"] * 2 + [None]
        assert {parent_of(request) for request in requests} == {id_of(gateway.recorder.one("call tray"))}


async def test_the_time_in_the_gateways_own_queue_is_told_apart_from_the_upstreams(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """In its span, in the bill, and in the plan of a slow operation, which has the slowest calls and their errors."""
    caplog.set_level(logging.WARNING, "gateway")
    many = [{"username": f"nobody.{at}"} for at in range(60)]
    async with traced(tmp_path, settings=Settings(hikerapi_rate=2.0, slow_ms=1_000)) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=0.25))
        document = "query Many($by: [UserBy!]!) { users(by: $by) { biography } }"
        answer = await gateway.query(document, headers={"x-billing-explain": "1"}, by=many)
        billed = answer.json()["extensions"]["billing"]["calls"]
        spans = [attributes(call).get("waited", 0) for call in gateway.recorder.named("call profile_by_username")]
        assert {seconds(request) for request in gateway.recorder.named("GET")} == {0.25}
    waited = [call["waited"] for call in billed]
    assert sorted(waited) == sorted(spans)
    assert (min(waited), max(waited)) == (0, 29.5)
    assert {round(call["seconds"] - call["waited"], 3) for call in billed} == {0.25}
    (line,) = [text for text in caplog.messages if text.startswith("SlowOperation")]
    assert " calls=60 " in line
    plan = line.partition('plan="')[2].split("; ")
    assert len(plan) == 50
    assert plan[-1].partition(" seconds=")[2].startswith("29.75 waited=29.5 attempts=1 error=NOT_FOUND")
    assert min(float(call.partition(" waited=")[2].split()[0]) for call in plan) == sorted(waited)[10]


async def test_a_shared_call_links_to_the_call_of_the_operation_that_bought_it(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        await asyncio.gather(gateway.query(TRAY), gateway.query(TITLES))
        bought, shared = gateway.recorder.named("call tray")
        assert attributes(bought) == BOUGHT
        assert attributes(shared) == BOUGHT | {"charged": 0, "source": "shared"}
        assert links_of(shared) == [id_of(bought)]
        assert trace_of(shared) != trace_of(bought)
        assert parent_of(gateway.recorder.one("GET")) == id_of(bought)


async def test_a_refused_call_says_why(tmp_path: Path) -> None:
    items = TRAY.replace("totalCount", "nodes { items { totalCount } }")
    async with traced(tmp_path, clients={"web": Terms(ceiling=3)}) as gateway:
        await gateway.query(items, client="web")
        calls = gateway.recorder.named("call highlight")
        refused = [call for call in calls if attributes(call)["source"] == "refused"]
        assert (len(calls), len(refused)) == (30, 29)
        assert {error(call) for call in refused} == {"BUDGET_EXCEEDED"}
        assert {attributes(call)["charged"] for call in refused} == {0}


async def test_a_stale_answer_is_that_of_the_call_that_failed(tmp_path: Path) -> None:
    settings = Settings(ttl_tray=1)
    async with traced(tmp_path, settings=settings) as gateway:
        await gateway.query(TRAY)
        await asyncio.sleep(60)
        gateway.recorder.taken()
        gateway.sandbox.faults.lay(Status(status=500))
        await gateway.query(TRAY)
        call = gateway.recorder.one("call tray")
        assert attributes(call).pop("age") > 60
        assert attributes(call)["source"] == "stale"
        assert error(call) == "UPSTREAM_UNAVAILABLE"
        assert len(gateway.recorder.named("GET")) == 3


async def test_the_span_of_a_call_ends_with_the_call_even_if_the_client_leaves_before(tmp_path: Path) -> None:
    async with traced(tmp_path) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=10))
        asked = asyncio.ensure_future(gateway.query(TRAY))
        await asyncio.sleep(5)
        asked.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asked
        assert gateway.recorder.named("call tray") == []
        (operation,) = (span for span in gateway.recorder.spans if span.parent is None)
        assert error(operation) == "CANCELLED"
        await asyncio.sleep(10)
        call = gateway.recorder.one("call tray")
        assert attributes(call) == BOUGHT
        assert trace_of(call) == trace_of(operation)
        assert seconds(call) == 10
        assert seconds(operation) == 5


MANY = "query Many($by: [UserBy!]!) { users(by: $by) { biography } }"


@pytest.mark.parametrize("is_shared", [False, True])
async def test_calls_in_the_queue_are_not_sent_for_a_client_that_left(is_shared: bool, tmp_path: Path) -> None:
    """Those that another operation waits for are sent, those that were sent are paid, and the rest can be bought."""
    many = [{"username": f"nobody.{at}"} for at in range(20)]
    async with traced(tmp_path, settings=Settings(hikerapi_rate=2.0)) as gateway:
        gateway.sandbox.faults.lay(Latency(seconds=0.25))
        leaving = asyncio.ensure_future(gateway.query(MANY, by=many))
        await asyncio.sleep(0.1)
        staying = asyncio.ensure_future(gateway.query(MANY, by=many[10:15])) if is_shared else None
        await asyncio.sleep(2.0)
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        assert len(gateway.upstream.received) == 5
        again = await gateway.query(MANY, by=many[18:])  # in the turn in which the calls were withdrawn
        assert again.headers["x-billed-requests"] == "2"
        errors = [error(call) for call in gateway.recorder.named("call profile_by_username")]
        assert errors.count("CANCELLED") == 15 - 5 * is_shared
        if staying is not None:
            assert [error["extensions"]["code"] for error in (await staying).json()["errors"]] == ["NOT_FOUND"] * 5
        await asyncio.sleep(60)
        sent = 5 + 2 + 5 * is_shared
        assert len(gateway.upstream.received) == gateway.sandbox.meter.total_billed == sent
        assert (await gateway.query(MANY, by=many)).headers["x-billed-requests"] == str(20 - sent)


async def test_a_call_that_is_bought_during_execution_is_below_that(tmp_path: Path) -> None:
    by_id, deferred = f'by: {{ id: "{fixture_users.THIRTY.pk}" }}', "... @defer { biography }"
    async with traced(tmp_path) as gateway:
        await gateway.query(f"{{ user({by_id}) {{ id {deferred} }} }}", headers={"accept": "multipart/mixed"})
        (operation,) = (span for span in gateway.recorder.spans if span.parent is None)
        call = gateway.recorder.one("call profile")
        assert parent_of(call) in (id_of(gateway.recorder.one("graphql.execute")), id_of(operation))


async def test_reading_the_balance_has_no_span(tmp_path: Path) -> None:
    """It belongs to no operation."""
    async with traced(tmp_path) as gateway:
        await asyncio.sleep(3_600)
        assert gateway.sandbox.meter.calls["/sys/balance"] > 1
        assert gateway.recorder.spans == ()


def seconds(span: ReadableSpan) -> float:
    assert span.start_time is not None
    assert span.end_time is not None
    return round((span.end_time - span.start_time) / 1e9, 3)
