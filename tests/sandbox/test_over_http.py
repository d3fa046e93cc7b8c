"""The app on a real port, read by the vendor's own kit, and failing as only a socket can."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hikerapi
import httpx
import msgspec
import pytest

from gateway.sandbox import Sandbox, fixture_users
from gateway.sandbox.faults import DeadKeepAlive, Hang, Status
from tests.sandbox import contract
from tests.sandbox.harness import KEY


@pytest.fixture
def kit(served: str) -> Iterator[Any]:
    """The vendor's client. It knows hosts by https only, so its HTTP client is pointed at our port."""
    kit = hikerapi.Client(token="sandbox")
    kit._client.base_url = served
    yield kit
    kit._client.close()


def test_the_vendors_kit_reads_every_endpoint_it_knows(kit: Any) -> None:
    answers: list[tuple[Any, Any]] = [
        (kit.user_by_id_v1(id="787132"), contract.User),
        (kit.user_by_username_v1(username="thirty.highlights"), contract.User),
        (kit.user_highlights_v1(user_id="787132"), list[contract.TrayEntry]),
        (kit.user_highlights_v1(user_id=fixture_users.THIRTY.pk, amount=5, force="on"), list[contract.TrayEntry]),
        (kit.user_highlights_by_username_v1(username="thirty.highlights"), list[contract.TrayEntry]),
        (kit.user_stories_v1(user_id="787132"), list[contract.Story]),
        (kit.user_stories_by_username_v1(username="natgeo"), list[contract.Story]),
        (kit.story_by_id_v1(id="3772053608293416704"), contract.Story),
        (
            kit.highlight_by_url_v1(url=highlight_url(fixture_users.highlight_pk(fixture_users.THIRTY, 0))),
            contract.Highlight,
        ),
        (kit.share_by_url_v1(url="https://www.instagram.com/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw"), contract.Share),
    ]
    for answer, model in answers:
        msgspec.convert(answer, model)
    assert [len(answers[index][0]) for index in (2, 3, 4)] == [3, 5, 30]
    assert len(answers[8][0]["items"]) == 40


def highlight_url(pk: str) -> str:
    return f"https://www.instagram.com/stories/highlights/{pk}/"


def test_the_vendors_kit_sees_refusals_as_the_vendor_words_them(kit: Any, sandbox: Sandbox) -> None:
    assert kit.user_highlights_v1(user_id=str(fixture_users.PRIVATE.pk))["exc_type"] == "PrivateAccount"
    assert kit.user_by_username_v1(username="nobody.at.all")["exc_type"] == "UserNotFound"
    assert kit.user_by_id_v1(id=None)["detail"][0]["loc"] == ["query", "id"]
    sandbox.balance = 0
    assert kit.user_by_id_v1(id="787132")["exc_type"] == "InsufficientFunds"
    sandbox.faults.lay(Status(status=410))
    assert kit.user_by_id_v1(id="787132")["exc_type"] == "InsufficientFunds", "an empty account is refused first"


def test_a_dead_keep_alive_closes_the_socket_without_a_byte(served: str, sandbox: Sandbox) -> None:
    with httpx.Client(base_url=served, headers=KEY) as client:
        assert client.get("/sys/balance").status_code == 200
        sandbox.faults.lay(DeadKeepAlive(times=1))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            client.get("/v1/user/by/id?id=787132")
        assert client.get("/v1/user/by/id?id=787132").status_code == 200
    assert (sandbox.meter.calls["/v1/user/by/id"], sandbox.meter.total_billed) == (1, 1)


def test_a_hanging_call_ends_with_the_client_that_gave_up(served: str, sandbox: Sandbox) -> None:
    """The server can stop afterwards: nothing waits on for an answer that nobody reads."""
    sandbox.faults.lay(Hang(times=1))
    with httpx.Client(base_url=served, headers=KEY, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.get("/v1/user/by/id?id=787132")
        assert client.get("/v1/user/by/id?id=787132", timeout=10).status_code == 200
    assert sandbox.meter.total_billed == 2
