"""A short id is no reason to end or erase what belongs to somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.domain.id_mentions import IdMentions
from gateway.http.routes.data_requests import DEAUTHORIZE, DELETE
from gateway.webhooks.body_erasure import mentions, without_accounts
from tests.erasure.test_erasure import CREATE, SETTINGS, posted, worked_off
from tests.fakes.gateway import FlowingClock, running_gateway

ACCOUNT = "787132"


@pytest.mark.parametrize(
    ("value", "is_found"),
    [
        ({"cover": 7}, False),
        ({"title": "7"}, False),
        ({"title": "My 7 days"}, False),
        ({"media": [{"url": "https://images.example.com/7/a.jpg"}]}, False),
        ({"at": 7.5, "medium": 7, "is_counted": True}, False),
        ({"account": "77"}, False),
        ({"account": "7"}, True),
        ({"media": [{"media_id": "312_7"}]}, True),
        ({"pk": "user:7"}, True),
        ({"user_id": 7}, True),
        ({"made": [{"id": "7"}]}, True),
    ],
)
def test_a_short_id_is_found_where_a_value_is_an_id(value: Any, is_found: bool) -> None:
    assert IdMentions(["7"]).in_json(value) is is_found


@pytest.mark.parametrize("value", [{"title": "of 787132"}, {"cover": 787132}, {"url": "https://cdn.test/787132/a"}])
def test_a_long_id_is_found_anywhere(value: Any) -> None:
    assert IdMentions(["7", ACCOUNT]).in_json(value)
    assert not IdMentions(["7", "78713"]).in_json(value)


def test_a_webhook_of_another_account_stays() -> None:
    own, other = b'{"id":"7","time":9}', b'{"id":"787132","time":7}'
    body = b'{"object":"instagram","entry":[' + own + b"," + other + b"]}"
    assert mentions(body, ["7"])
    assert without_accounts(body, ["7"]) == b'{"object":"instagram","entry":[' + other + b"]}"
    assert not mentions(b'{"entry":[' + other + b"]}", ["7"])


@pytest.mark.parametrize(
    ("path", "user"), [(DELETE, "1"), (DEAUTHORIZE, "1"), (DEAUTHORIZE, "31415926")], ids=["short", "title", "medium"]
)
async def test_a_flow_of_another_account_goes_on(tmp_path: Path, path: str, user: str) -> None:
    """Its title is the one id, and one of its media the other's."""
    clock = FlowingClock()
    async with running_gateway(tmp_path, settings=SETTINGS, clock=clock, all_heard=False) as gateway:
        await gateway.knows_its_accounts()
        account = (await gateway.query("{ accounts { id } }")).data["accounts"][0]["id"]
        media = [{"url": "https://images.example.com/31415926.jpg"}]
        given = {"account": account, "title": "1", "media": media, "idempotencyKey": "a", "waitSeconds": 0}
        made = (await gateway.query(CREATE, {"input": given})).data["createHighlight"]
        assert made["userErrors"] == []
        assert (await posted(gateway, path, user_id=user, issued_at=clock.now())).status_code == 200
        await worked_off(gateway, clock)
        (flow,) = (await gateway.query("{ flows { nodes { id state } } }")).data["flows"]["nodes"]
        assert flow["id"] == made["flow"]["id"]
        assert flow["state"] != "CANCELLED"
