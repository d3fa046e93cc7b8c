"""What the platform tells by itself: believed only if signed, answered at once, and never more than a hint."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from gateway.events import AnswerDrifted, Event
from gateway.http.webhooks import PATH, News, webhooks

SECRET = "app-s3cret"  # pragma: allowlist secret
VERIFY = "ver1fy"
ACCOUNT = "787132"


class Desk:
    """An app with nothing but the webhooks, and what it heard."""

    def __init__(self, secret: str | None = SECRET, verify_token: str | None = VERIFY) -> None:
        self.news: list[News] = []
        self.events: list[Event] = []
        app = Starlette(routes=webhooks(secret, verify_token, self.news.append, hook=self.events.append))
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway.test")

    async def post(self, body: bytes, signature: str | None = None) -> httpx.Response:
        headers = {"x-hub-signature-256": signed(body) if signature is None else signature}
        return await self.client.post(PATH, content=body, headers=headers)

    async def subscribe(self, **params: str) -> httpx.Response:
        asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": VERIFY}
        return await self.client.get(PATH, params=asked | {f"hub.{name}": text for name, text in params.items()})


def signed(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def change(field: str, **value: Any) -> dict[str, Any]:
    return {"field": field, "value": value}


def events(*changes: object, account: str | int = ACCOUNT) -> bytes:
    entry = {"id": account, "time": 1_773_304_526, "changes": list(changes)}
    return msgspec.json.encode({"object": "instagram", "entry": [entry]})


MEDIUM = change("media", media_id="18", status="FINISHED")
CREATED = change("highlights", highlight_id="17900000000000001", verb="created")


async def test_the_handshake_gives_the_challenge_back() -> None:
    answer = await Desk().subscribe()
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "wrong", [{"verify_token": "guessed"}, {"verify_token": ""}, {"verify_token": "vér1fy"}, {"mode": "unsubscribe"}]
)
async def test_a_stranger_s_handshake_is_refused(wrong: dict[str, str]) -> None:
    answer = await Desk().subscribe(**wrong)
    assert answer.status_code == 403
    assert "1158201444" not in answer.text


async def test_news_wake_those_who_wait_for_a_medium_or_a_highlight() -> None:
    desk = Desk()
    body = events(MEDIUM, CREATED, change("stories", story_id=f"31_{ACCOUNT}", verb="expired"))
    assert (await desk.post(body)).status_code == 200
    assert desk.news == [
        News(ACCOUNT, "media:18"),
        News(ACCOUNT, "highlight:17900000000000001", highlight="17900000000000001"),
        News(ACCOUNT, f"story:31_{ACCOUNT}"),
    ]


async def test_ids_may_be_numbers_or_carry_their_kind() -> None:
    desk = Desk()
    await desk.post(events(change("media", media_id=18), change("highlights", highlight_id="highlight:179"), account=7))
    assert desk.news == [News("7", "media:18"), News("7", "highlight:179", highlight="179")]


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signed(events(MEDIUM), "another secret"),
        signed(events(MEDIUM)).upper(),
        signed(events(MEDIUM)).removeprefix("sha256="),
        signed(events(CREATED)),
        "sha1=" + hmac.new(SECRET.encode(), events(MEDIUM), hashlib.sha1).hexdigest(),
    ],
)
async def test_what_is_not_signed_with_the_app_secret_is_refused(signature: str) -> None:
    desk = Desk()
    assert (await desk.post(events(MEDIUM), signature)).status_code == 403
    assert desk.news == []


async def test_a_signature_that_is_no_ascii_is_refused() -> None:
    """`hmac.compare_digest` takes no such text."""
    desk = Desk()
    answer = await desk.client.post(PATH, content=b"{}", headers=[(b"x-hub-signature-256", b"sha256=\xe9")])
    assert answer.status_code == 403


async def test_the_raw_body_is_what_is_signed() -> None:
    """The platform escapes and spaces JSON its own way."""
    desk = Desk()
    body = b' { "entry" : [ {"id":"7871\\u00332", "changes":[{"field":"media","value":{"media_id":"18"}}] } ] }\n'
    assert (await desk.post(body)).status_code == 200
    assert desk.news == [News(ACCOUNT, "media:18")]


async def test_an_answer_does_not_wait_for_the_work() -> None:
    """Whatever the news do, the platform has its 200 by then: it would tell them again for 36 hours."""
    order: list[str] = []
    app = Starlette(routes=webhooks(SECRET, VERIFY, lambda news: order.append(news.topic), hook=lambda event: None))
    body = events(MEDIUM)
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return messages.pop()

    async def send(message: Any) -> None:
        order.append(message["type"])

    headers = [(b"x-hub-signature-256", signed(body).encode())]
    scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers, "query_string": b""}
    await app(scope, receive, send)
    assert order == ["http.response.start", "http.response.body", "media:18"]


async def test_a_thousand_changes_come_at_once() -> None:
    desk = Desk()
    await desk.post(events(*(change("media", media_id=str(number), status="FINISHED") for number in range(1000))))
    assert [news.topic for news in desk.news] == [f"media:{number}" for number in range(1000)]


async def test_duplicates_are_told_again() -> None:
    """They are hints: whoever is woken looks, and finds what is so."""
    desk = Desk()
    for _ in range(2):
        assert (await desk.post(events(CREATED))).status_code == 200
    assert len(desk.news) == 2


async def test_one_change_that_cannot_be_read_hides_no_other() -> None:
    desk = Desk()
    odd = [{"field": "media"}, 7, change("media", media_id={}), {"field": 1, "value": {}}]
    assert (await desk.post(events(*odd, MEDIUM))).status_code == 200
    assert desk.news == [News(ACCOUNT, "media:18")]
    paths = [path for event in desk.events if isinstance(event, AnswerDrifted) for path in event.paths]
    assert paths == [f"entry[0].changes[{number}]" for number in range(4)]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"entry": 7}', b"[" * 9_000])
async def test_what_is_signed_and_cannot_be_read_is_answered_all_the_same(body: bytes) -> None:
    desk = Desk()
    assert (await desk.post(body)).status_code == 200
    assert desk.news == []
    assert len(desk.events) == 1


async def test_fields_that_nobody_waits_for_are_let_pass() -> None:
    desk = Desk()
    await desk.post(events(change("story_insights", reach=3), change("media"), change("likes", media_id="18")))
    assert (desk.news, desk.events) == ([], [])


async def test_a_body_beyond_the_limit_is_refused_before_it_is_read_whole() -> None:
    desk = Desk()
    sent = 0

    async def pieces() -> Any:
        nonlocal sent
        while sent < 3_000_000:
            sent += 100_000
            yield b"x" * 100_000

    answer = await desk.client.post(PATH, content=pieces(), headers={"x-hub-signature-256": "sha256=0"})
    assert answer.status_code == 413
    assert (await desk.post(b"x" * 1_000_001)).status_code == 413


@pytest.mark.parametrize(("secret", "verify_token"), [(None, None), (None, VERIFY), (SECRET, None)])
async def test_without_an_app_secret_there_is_no_such_place(secret: str | None, verify_token: str | None) -> None:
    desk = Desk(secret, verify_token)
    assert (await desk.subscribe()).status_code == 404
    assert (await desk.post(events(MEDIUM))).status_code == 404


async def test_other_methods_are_named() -> None:
    answer = await Desk().client.put(PATH)
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
