"""When it is worth to ask again: `retryAfter` of an error, and the header that proxies and clients of HTTP read."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from gateway.errors import QuotaExhausted, UpstreamRateLimited
from gateway.http.status_codes import retry_after
from gateway.sandbox.faults import Status
from gateway.settings import Settings
from tests.fakes.gateway import Terms, clients_file, key_of
from tests.robustness.harness import Stage, codes_of, staged

TRAY = '{ user(by: {id: "787132"}) { highlights { totalCount } } }'
GRAPHQL = {"accept": "application/graphql-response+json"}
DEFERRED = '{ me: __typename user(by: {id: "787132"}) { id biography ... @defer { highlights { totalCount } } } }'
PARTS = {"accept": "multipart/mixed;deferSpec=20220824"}


async def open_the_breaker(stage: Stage) -> None:
    stage.sandbox.faults.lay(Status(status=503))
    for _ in range(4):
        assert codes_of((await stage.post(TRAY)).json()) == ["UPSTREAM_UNAVAILABLE"]


@pytest.mark.parametrize(
    ("named", "told"),
    [(4.123456, 4.13), (4.1, 4.1), (2.3, 2.3), (0.001, 0.01), (7, 7), (7.0, 7.0), (0.0, 0.0), (4.0 + 1e-12, 4.0)],
)
def test_a_wait_is_told_in_hundredths_and_never_too_short(named: float, told: float) -> None:
    assert UpstreamRateLimited("", retry_after=named).extensions["retryAfter"] == told
    assert UpstreamRateLimited("", retry_after=named).retry_after == named
    assert QuotaExhausted("", retryAfter=named).extensions["retryAfter"] == told


@pytest.mark.parametrize(
    ("errors", "header"),
    [
        ([{"code": "X", "retryAfter": 0.01}], "1"),
        ([{"code": "X", "retryAfter": 4.01}, {"code": "Y", "retryAfter": 2}], "5"),
        ([{"code": "INSUFFICIENT_FUNDS"}], "60"),
        ([{"code": "LEDGER_UNAVAILABLE"}, {"code": "NOT_FOUND"}], "1"),
        ([{"code": "NOT_FOUND"}, {}], None),
    ],
)
def test_the_header_is_the_longest_wait_in_whole_seconds(errors: list[dict[str, object]], header: str | None) -> None:
    assert retry_after(errors).get("retry-after") == header


async def test_an_answer_that_holds_such_an_error_has_the_header(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path, batch_limit=2)) as stage:
        await open_the_breaker(stage)
        await asyncio.sleep(0.123456)
        response = await stage.post(TRAY)
        told = response.json()["errors"][0]["extensions"]["retryAfter"]
        assert told == round(told, 2)
        assert response.status_code == 200
        assert 4 < told < 5
        assert response.headers["retry-after"] == "5"
        batch = await stage.client.post("/graphql", json=[{"query": "{ __typename }"}, {"query": TRAY}])
        assert batch.headers["retry-after"] == "5"
        parts = await stage.client.post("/graphql", json={"query": DEFERRED}, headers=PARTS)
        assert parts.headers["content-type"].startswith("multipart/mixed")
        assert parts.headers["retry-after"] == "5"


async def test_an_answer_without_one_has_no_header(tmp_path: Path) -> None:
    async with staged(Settings(data_dir=tmp_path)) as stage:
        for query in (TRAY, '{ user(by: {username: "who.is.not"}) { id biography } }', "{ nope }"):
            assert "retry-after" not in (await stage.post(query)).headers


@pytest.mark.parametrize(
    ("client", "emptied", "status", "wait"), [("spent", False, 429, range(1, 86_401)), ("web", True, 503, [60])]
)
async def test_each_refusal_for_now_says_for_how_long(
    client: str, emptied: bool, status: int, wait: range, tmp_path: Path
) -> None:
    clients = clients_file(tmp_path, {"web": Terms(), "spent": Terms(allowance={"day": 0})})
    async with staged(Settings(data_dir=tmp_path, clients_file=clients, balance_floor=10)) as stage:
        if emptied:
            stage.sandbox.balance = 10
            await asyncio.sleep(61)
        headers = {**GRAPHQL, "x-api-key": key_of(client)}
        response = await stage.client.post("/graphql", json={"query": TRAY}, headers=headers)
    assert response.status_code == status
    assert int(response.headers["retry-after"]) in wait


async def test_what_a_window_leaves_is_told_with_its_end(tmp_path: Path) -> None:
    clients = clients_file(tmp_path, {"spent": Terms(allowance={"minute": 0})})
    async with staged(Settings(data_dir=tmp_path, clients_file=clients)) as stage:
        headers = {"x-api-key": key_of("spent")}
        response = await stage.client.post("/graphql", json={"query": TRAY}, headers=headers)
    extensions = response.json()["errors"][0]["extensions"]
    assert 0 < extensions["retryAfter"] <= 60
    assert response.headers["retry-after"] == str(math.ceil(extensions["retryAfter"]))
