"""A restart while the platform does not say whose the configured token is: connected accounts are used all the same."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.sandbox.fixture_users import NATGEO_PK
from gateway.sandbox.publishing.authorization_codes import APP_SECRET
from gateway.webhooks.inbox_store import INBOX
from tests.accounts.consent import SECOND
from tests.accounts.gateways import LIKE, Host, consent, gateway, sandbox, until
from tests.commands.process import LIMIT, ask
from tests.webhooks.desk import change, events, signed

OWN = str(NATGEO_PK)


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[str]:
    """A sandbox, whose second account was connected by a gateway that has ended since."""
    with sandbox() as upstream:
        with gateway(upstream, tmp_path) as host:
            assert host.call_back(consent(upstream, host.begin())).status_code == 303
            assert host.accounts() == {SECOND: "CONNECTED"}
        yield upstream


def code_of_a_like(host: Host, account: str) -> str:
    answer = ask(host.url, LIKE, account=account, id="3286412355219875123").json()
    return str(answer["errors"][0]["extensions"]["code"])


def health(host: Host) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{host.url}/readyz", timeout=LIMIT).json()
    return found


def tell(host: Host, account: str) -> None:
    """Post a webhook about a medium of an account."""
    body = events(change("media", media_id="18", status="FINISHED"), account=account, time=time.time())
    headers = {"x-hub-signature-256": signed(body, APP_SECRET)}
    answer = httpx.post(f"{host.url}/webhooks/platform", content=body, headers=headers, timeout=LIMIT)
    assert answer.status_code == 200


def waiting(data: Path) -> int:
    """The number of webhooks that are not processed yet."""
    with closing(sqlite3.connect(data / INBOX.file)) as db:
        (count,) = db.execute("SELECT count(*) FROM gateway_webhook_bodies WHERE body IS NOT NULL").fetchone()
        return int(count)


def test_a_refused_token_stops_no_connected_account(upstream: str, tmp_path: Path) -> None:
    with gateway(upstream, tmp_path, GATEWAY_PLATFORM_TOKEN="refused") as host:
        until(lambda: "refuses GATEWAY_PLATFORM_TOKEN" in health(host)["problems"].get("platform", ""))
        assert host.like("3286412355219875123") == "DONE"
        assert code_of_a_like(host, OWN) == "ACCOUNT_DISCONNECTED"
        tell(host, SECOND)
        until(lambda: waiting(tmp_path) == 0)
        host.process.terminate()
        log = host.ended()
    assert "WebhookIgnored" not in log


def test_a_platform_that_does_not_tell_stops_no_connected_account(upstream: str, tmp_path: Path) -> None:
    """A webhook waits, since it may be about the account that is not known yet."""
    rule = {"kind": "status", "status": 404, "endpoint": "GET */users/self"}
    httpx.post(f"{upstream}/_control/faults", json={"faults": [rule]}, timeout=LIMIT).raise_for_status()
    with gateway(upstream, tmp_path, GATEWAY_PLATFORM_TOKEN="sandbox") as host:
        until(lambda: code_of_a_like(host, OWN) == "UPSTREAM_INVALID_ANSWER")
        assert host.like("3286412355219875123") == "DONE"
        assert "has not said whose account" in health(host)["problems"]["platform"]
        tell(host, OWN)
        assert waiting(tmp_path) == 1
        httpx.delete(f"{upstream}/_control/faults", timeout=LIMIT).raise_for_status()
        until(lambda: host.accounts() == {SECOND: "CONNECTED", OWN: "CONNECTED"})
        until(lambda: waiting(tmp_path) == 0)
        assert "platform" not in health(host)["problems"]
        host.process.terminate()
        log = host.ended()
    assert "WebhookIgnored" not in log
