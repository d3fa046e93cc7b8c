"""Whom an answer of the upstream is about, and whose fault it is: what is told, charged, and asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from gateway.composition.app import create_app
from gateway.settings import Settings
from tests.upstream.harness import TRAY_BY_USERNAME, answer

PROFILE = {"pk": "10", "username": "new.name", "full_name": "Of Both Names", "biography": "here"}
PRICE = '{"reqs": 1}'
BY_NAME = '{ user(by: { username: "old.name" }) { id biography } }'
BY_ID = '{ user(by: { id: "10" }) { username biography } }'


class Shop:
    """The whole gateway before an upstream that plays one reply for each path."""

    def __init__(self, folder: Path, replies: Mapping[str, httpx.Response]) -> None:
        self.asked = Counter[str]()
        self._replies = replies
        settings = Settings(data_dir=folder, hikerapi_url="https://hiker.test", hikerapi_key="k", hikerapi_rate=1_000.0)
        self.app = create_app(settings, transport=httpx.MockTransport(self._play), base_url="http://gateway.test")

    async def query(self, *documents: str) -> list[dict[str, Any]]:
        async with (
            self.app.router.lifespan_context(self.app),
            httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://gateway.test") as client,
        ):
            return [(await client.post("/graphql", json={"query": document})).json() for document in documents]

    def _play(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/sys/balance":
            return answer(200, {"requests": 1_000, "rate": 15, "currency": "USD", "amount": 1.0})
        self.asked[request.url.path] += 1
        reply = self._replies[request.url.path]
        return httpx.Response(reply.status_code, content=reply.content, headers=reply.headers)


def error(answered: dict[str, Any]) -> dict[str, Any]:
    (only,) = answered["errors"]
    return {name: value for name, value in only["extensions"].items() if name != "requestId"}


async def test_an_account_of_another_name_is_told_by_it_and_bought_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path, {"/v1/user/by/username": answer(200, PROFILE, x_hiker_info=PRICE)})
    old, again, new = await shop.query(BY_NAME, BY_NAME, BY_ID)
    for answered in (old, again):
        assert error(answered) == {"code": "RENAMED", "id": "10", "username": "new.name"}
        assert answered["errors"][0]["message"] == "User 'old.name' is now called 'new.name'."
        assert answered["data"] == {"user": None}
    assert new["data"] == {"user": {"username": "new.name", "biography": "here"}}
    assert shop.asked == {"/v1/user/by/username": 1}
    assert [answered["extensions"]["billing"]["charged"] for answered in (old, again, new)] == [1, 0, 0]


async def test_the_tray_of_an_account_of_another_name_stays_bought(tmp_path: Path) -> None:
    reply = answer(200, TRAY_BY_USERNAME, x_hiker_info='{"reqs": 3}')
    owner = msgspec.json.decode(TRAY_BY_USERNAME)[0]["user"]
    shop = Shop(tmp_path, {"/v1/user/highlights/by/username": reply})
    named = '{ user(by: { username: "old.name" }) { username highlights { nodes { id } } } }'
    by_id = f'{{ user(by: {{ id: "{owner["pk"]}" }}) {{ username highlights {{ nodes {{ id }} }} }} }}'
    old, new = await shop.query(named, by_id)
    assert error(old) == {"code": "RENAMED", "id": owner["pk"], "username": owner["username"]}
    assert new["data"]["user"]["username"] == owner["username"]
    assert len(new["data"]["user"]["highlights"]["nodes"]) == len(msgspec.json.decode(TRAY_BY_USERNAME))
    assert shop.asked == {"/v1/user/highlights/by/username": 1}


@pytest.mark.parametrize("status", [400, 403, 404])
@pytest.mark.parametrize("kind", ["InstagramServerError", "InternalError", "ChallengeRequired", ""])
async def test_trouble_is_no_absence_and_not_believed_for_long(tmp_path: Path, status: int, kind: str) -> None:
    """Each client pays for its own question, because the next answer may be another one."""
    reply = answer(status, {"detail": "their text", "exc_type": kind}, x_hiker_info=PRICE)
    shop = Shop(tmp_path, {"/v1/user/by/id": reply})
    answers = await shop.query(BY_ID, BY_ID)
    for answered in answers:
        assert error(answered)["code"].startswith("UPSTREAM_")
        assert answered["extensions"]["billing"]["charged"] == 1
    assert shop.asked == {"/v1/user/by/id": 2}


async def test_a_refusal_under_200_is_told_by_its_type(tmp_path: Path) -> None:
    """The vendor's own client takes such a body for data."""
    reply = answer(200, {"state": False, "error": "their text", "exc_type": "InstagramServerError"}, x_hiker_info=PRICE)
    shop = Shop(tmp_path, {"/v1/user/by/id": reply})
    (answered,) = await shop.query(BY_ID)
    assert error(answered) == {"code": "UPSTREAM_UNAVAILABLE", "charged": 1}
    assert shop.asked == {"/v1/user/by/id": 1}
