"""A connected account: the platform names it by an id of its own, and all of it is erased, its token first."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from gateway.accounts.account_records import AccountRecord
from gateway.events import WebhookIgnored
from gateway.http.routes.data_requests import DEAUTHORIZE, DELETE
from tests.accounts.consent import SECOND, accounts, connected
from tests.erasure.signing import payload, signed
from tests.erasure.stored import in_files, with_one_of
from tests.erasure.test_erasure import CREATE, SETTINGS, TITLE, worked_off
from tests.fakes.gateway import FlowingClock, RunningGateway, running_gateway
from tests.webhooks.desk import change, events
from tests.webhooks.desk import signed as signed_body

pytestmark = pytest.mark.durable
SECRET = "sandbox"  # of the sandbox's app  # pragma: allowlist secret
CONNECTING = dataclasses.replace(SETTINGS, platform_app_secret=SECRET)


@pytest.fixture
def clock() -> FlowingClock:
    return FlowingClock()


@pytest.fixture(params=["platform", "instagram"])
async def gateway(request: pytest.FixtureRequest, tmp_path: Path, clock: FlowingClock) -> AsyncIterator[RunningGateway]:
    """With an account that was connected, and for which something was published if its provider can."""
    settings = dataclasses.replace(CONNECTING, platform_login=request.param)
    async with running_gateway(tmp_path, settings=settings, clock=clock, keeps_flows=True, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        gateway.at_once()
        assert await connected(gateway) == {"connection": "connected", "account": SECOND}
        if request.param == "instagram":
            yield gateway
            return
        given = {"account": SECOND, "title": TITLE, "media": [{"url": "https://images.example.com/lighthouse.jpg"}]}
        made = await gateway.query(CREATE, {"input": {**given, "idempotencyKey": "a", "waitSeconds": 25}})
        assert made.data["createHighlight"]["flow"]["state"] == "DONE"
        yield gateway


async def record_of(gateway: RunningGateway) -> AccountRecord:
    assert gateway.parts.publishing is not None
    found = gateway.parts.publishing.accounts.connected
    assert found is not None
    record = await found.account(SECOND)
    assert record is not None
    return record


async def called(gateway: RunningGateway, path: str, user: str, clock: FlowingClock, age: float = 0.0) -> int:
    text = signed(payload(user_id=user, issued_at=clock.now() - age), SECRET.encode())
    return (await gateway.client.post(path, content=urlencode({"signed_request": text}))).status_code


async def test_all_of_a_connected_account_is_erased(
    gateway: RunningGateway, clock: FlowingClock, tmp_path: Path
) -> None:
    record = await record_of(gateway)
    assert (record.user_id == SECOND) is (record.provider == "platform")
    marks = [SECOND, record.user_id, record.username, TITLE, "lighthouse"]
    assert "accounts.sqlite3" in with_one_of(in_files(tmp_path), marks)
    assert await called(gateway, DELETE, record.user_id, clock) == 200
    await worked_off(gateway, clock)
    assert with_one_of(in_files(tmp_path), marks) == {}
    assert SECOND not in await accounts(gateway)


async def test_a_deauthorized_account_is_disconnected(gateway: RunningGateway, clock: FlowingClock) -> None:
    record = await record_of(gateway)
    assert await called(gateway, DEAUTHORIZE, record.user_id, clock) == 200
    await worked_off(gateway, clock)
    assert not (await record_of(gateway)).has_token
    assert SECOND not in await accounts(gateway)


async def test_a_deauthorization_ends_no_later_consent(gateway: RunningGateway, clock: FlowingClock) -> None:
    """As the platform sends it again, or late, or as somebody replays it: neither account nor flow is ended."""
    record = await record_of(gateway)
    if record.provider == "platform":
        given = {"account": SECOND, "title": TITLE, "media": [{"url": "https://images.example.com/lighthouse.jpg"}]}
        begun = await gateway.query(CREATE, {"input": {**given, "idempotencyKey": "b", "waitSeconds": 0}})
        assert begun.data["createHighlight"]["flow"]["state"] not in ("DONE", "FAILED", "CANCELLED")
    assert await called(gateway, DEAUTHORIZE, record.user_id, clock, age=600.0) == 200
    await worked_off(gateway, clock)
    assert (await record_of(gateway)).has_token
    assert SECOND in await accounts(gateway)
    flows = (await gateway.query("{ flows { nodes { state } } }")).data["flows"]["nodes"]
    assert "CANCELLED" not in {flow["state"] for flow in flows}


async def test_webhooks_name_a_connected_account_by_the_platform_s_id(
    gateway: RunningGateway, clock: FlowingClock
) -> None:
    record = await record_of(gateway)
    assert gateway.parts.publishing is not None
    webhooks = gateway.parts.publishing.webhooks
    assert webhooks is not None
    ignored: list[object] = []
    reader = webhooks._reader
    reader._hook = reader._ignored._hook = ignored.append
    for number, user in enumerate((record.user_id, SECOND, "25025320")):
        body = events(change("highlights", highlight_id=number, verb="edited"), account=user, time=clock.now())
        headers = {"x-hub-signature-256": signed_body(body, SECRET)}
        assert (await gateway.client.post("/webhooks/platform", content=body, headers=headers)).status_code == 200
    await webhooks.worker.work_off()
    assert ignored == [WebhookIgnored("of another account", 1)]
