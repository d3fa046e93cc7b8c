from __future__ import annotations

import asyncio
import json

import httpx
import msgspec
import pytest

from gateway.sandbox import ConnectionDropped, Sandbox
from gateway.sandbox.faults import (
    DeadKeepAlive,
    EdgeHtml,
    Fault,
    Hang,
    Info,
    Latency,
    Status,
    Truncated,
    WrongShape,
    WrongTypes,
)
from tests.sandbox import contract
from tests.sandbox.harness import SteppedClock

PROFILE = "/v1/user/by/id?id=787132"
TRAY = "/v1/user/highlights?user_id=787132"

STATUSES = [
    (400, 1, contract.EndpointError, "ValidationError"),
    (401, 0, contract.AccountError, None),
    (402, 0, contract.AccountError, "InsufficientFunds"),
    (403, 1, contract.EndpointError, "PrivateAccount"),
    (404, 1, contract.EndpointError, "NotFoundError"),
    (410, 0, contract.EndpointError, "EndpointDeprecated"),
    (429, 0, contract.AccountError, "TooManyRequests"),
    (500, 0, contract.EndpointError, "InstagramServerError"),
    (503, 0, contract.EndpointError, "InstagramRateLimitError"),
    (504, 0, contract.EndpointError, "InstagramGatewayError"),
    (599, 0, contract.EndpointError, "InternalError"),
]


@pytest.mark.parametrize(("status", "charged", "envelope", "exc_type"), STATUSES)
async def test_a_status_comes_in_its_documented_envelope_and_is_charged_by_the_table(
    client: httpx.AsyncClient,
    sandbox: Sandbox,
    status: int,
    charged: int,
    envelope: type[contract.AccountError | contract.EndpointError],
    exc_type: str | None,
) -> None:
    sandbox.faults.lay(Status(status=status))
    response = await client.get(PROFILE)
    assert response.status_code == status
    assert msgspec.json.decode(response.content, type=envelope).exc_type == exc_type
    assert response.headers["x-hiker-info"] == '{"reqs":1}'
    assert (sandbox.meter.total_calls, sandbox.meter.total_billed) == (1, charged)


async def test_a_status_says_when_to_come_back_if_told_to(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Status(status=429, retry_after=1.5, times=1), Status(status=503))
    assert (await client.get(PROFILE)).headers["retry-after"] == "1.5"
    assert "retry-after" not in (await client.get(PROFILE)).headers


async def test_latency_passes_on_the_clock_and_adds_up(
    client: httpx.AsyncClient, sandbox: Sandbox, clock: SteppedClock
) -> None:
    sandbox.faults.lay(Latency(seconds=1), Latency(seconds=0.5, endpoint="/v1/user/by/id"), Status(status=500))
    assert (await client.get(PROFILE)).status_code == 500
    assert clock.seconds == 1.5


async def test_html_from_the_edge_is_not_charged(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(EdgeHtml(status=503))
    response = await client.get(PROFILE)
    assert (response.status_code, response.headers["content-type"]) == (503, "text/html; charset=UTF-8")
    assert response.text.startswith("<!DOCTYPE html>")
    assert "x-hiker-info" not in response.headers
    assert sandbox.meter.total_billed == 0


async def test_truncated_json_is_charged(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Truncated())
    response = await client.get(TRAY)
    assert response.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        response.json()
    assert sandbox.meter.total_billed == 2


async def test_wrong_types_are_json_that_no_model_takes(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(WrongTypes())
    tray, profile = (await client.get(TRAY)).json(), (await client.get(PROFILE)).json()
    assert (tray[0]["media_count"], tray[0]["items"]) == ("about 12", "empty")
    assert (profile["username"], profile["is_private"]) == (["natgeo"], "about False")
    assert sandbox.meter.total_billed == 3


async def test_wrong_shapes_swap_lists_and_objects(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(WrongShape())
    tray, profile = (await client.get(TRAY)).json(), (await client.get(PROFILE)).json()
    assert len(tray["response"]) == 3
    assert profile[0]["username"] == "natgeo"


@pytest.mark.parametrize("fault", [WrongTypes(), WrongShape(), Truncated()])
async def test_what_is_not_json_is_left_as_it_is(client: httpx.AsyncClient, sandbox: Sandbox, fault: Fault) -> None:
    del client.headers["user-agent"]
    sandbox.faults.lay(fault)  # type: ignore[arg-type]
    assert (await client.get(PROFILE)).text == "error code: 1010"


async def test_the_price_is_spelled_the_older_way_too(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Info(spelling="text"))
    assert (await client.get(TRAY)).headers["x-hiker-info"] == "reqs=2"


async def test_a_price_that_disagrees_with_the_list_is_what_gets_billed(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.faults.lay(Info(price=7))
    assert (await client.get(TRAY)).headers["x-hiker-info"] == '{"reqs":7}'
    assert (sandbox.meter.total_billed, sandbox.balance) == (7, 999_993)


async def test_a_hanging_call_is_charged_and_ends_when_it_is_given_up(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.faults.lay(Hang())
    call = asyncio.create_task(client.get(TRAY))
    for _ in range(100):  # turns of the loop, many more than the call needs
        await asyncio.sleep(0)
    assert not call.done()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert sandbox.meter.total_billed == 2


async def test_in_process_a_dead_connection_is_an_exception_of_its_own(
    client: httpx.AsyncClient, sandbox: Sandbox
) -> None:
    sandbox.faults.lay(DeadKeepAlive(times=1))
    with pytest.raises(ConnectionDropped):
        await client.get(PROFILE)
    assert (sandbox.meter.total_calls, sandbox.meter.total_billed) == (0, 0)
    assert (await client.get(PROFILE)).status_code == 200


async def test_a_fault_hits_only_its_endpoint(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Status(status=500, endpoint="/v1/user/highlights"))
    assert (await client.get(TRAY)).status_code == 500
    assert (await client.get(PROFILE)).status_code == 200


async def test_rules_with_times_are_a_script_of_the_next_calls(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.faults.lay(Status(status=503, times=2), Status(status=429, times=1))
    statuses = [(await client.get(PROFILE)).status_code for _ in range(5)]
    assert statuses == [503, 503, 429, 200, 200]


async def test_the_same_seed_hits_the_same_calls(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    async def run(seed: int) -> list[int]:
        sandbox.faults.lay(Status(status=503, rate=0.2), Status(status=429, rate=0.1), seed=seed)
        return [(await client.get(PROFILE)).status_code for _ in range(200)]

    first, again, other = await run(7), await run(7), await run(8)
    assert first == again != other
    assert 20 < first.count(503) < 60
    assert 5 < first.count(429) < 35


async def test_faults_are_laid_read_and_cleared_over_http(client: httpx.AsyncClient) -> None:
    script = {
        "faults": [
            {"kind": "latency", "seconds": 0.25},
            {"kind": "info", "spelling": "text"},
            {"kind": "status", "status": 503, "times": 2, "endpoint": "/v1/user/by/id"},
            {"kind": "hang", "rate": 0.0},
        ],
        "seed": 3,
    }
    assert (await client.post("/_control/faults", json=script)).status_code == 200
    refused = await client.get(PROFILE)
    assert (refused.status_code, refused.headers["x-hiker-info"]) == (503, "reqs=1")
    laid = (await client.get("/_control/faults")).json()
    assert [fault["kind"] for fault in laid["faults"]] == ["latency", "info", "status", "hang"]
    assert laid["faults"][2]["times"] == 1
    assert (await client.delete("/_control/faults")).json() == {"faults": [], "seed": 0}
    assert (await client.get(PROFILE)).status_code == 200


@pytest.mark.parametrize(
    "fault",
    [{"kind": "storm"}, {"kind": "status", "status": 200}, {"kind": "hang", "rate": 2}, {"kind": "hang", "often": 1}],
)
async def test_a_fault_that_does_not_exist_is_refused(client: httpx.AsyncClient, fault: dict[str, object]) -> None:
    response = await client.post("/_control/faults", json={"faults": [fault]})
    assert response.status_code == 400
    assert response.json()["error"]
