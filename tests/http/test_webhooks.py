"""What the platform tells by itself: believed only if signed, new and ours, answered at once, and only a hint."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.composition.webhook_component import PER_TURN
from gateway.events import ResponseSchemaMismatch, WebhookIgnored
from gateway.http.routes.webhooks import PATH
from gateway.settings import Settings
from gateway.webhooks.event_reader import LONGEST_ID, MOST_CHANGES, MOST_PATHS, REPORT_SECONDS, WebhookEvent
from gateway.webhooks.inbox import REMEMBERED, RETRIED, SKEW
from tests.fakes.clock import EPOCH
from tests.fakes.gateway import RunningGateway, running_gateway
from tests.webhooks.desk import (
    ACCOUNT,
    CREATED,
    FOREIGN,
    MEDIUM,
    SECRET,
    VERIFY,
    Desk,
    change,
    entry,
    events,
    signed,
    told,
)


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
        WebhookEvent(ACCOUNT, "media:18"),
        WebhookEvent(ACCOUNT, "highlight:17900000000000001", highlight="17900000000000001"),
        WebhookEvent(ACCOUNT, f"story:31_{ACCOUNT}"),
    ]


async def test_ids_may_be_numbers_or_carry_their_kind() -> None:
    desk = Desk()
    await desk.post(events(change("media", media_id=18), change("highlights", highlight_id="highlight:179"), account=7))
    assert desk.news == [WebhookEvent("7", "media:18"), WebhookEvent("7", "highlight:179", highlight="179")]


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
    entries = (
        b'[ {"id":"7871\\u00332", "time":1773304526.0, "changes":[{"field":"media","value":{"media_id":"18"}}] } ]'
    )
    body = b' { "entry" : ' + entries + b" }\n"
    assert (await desk.post(body)).status_code == 200
    assert desk.news == [WebhookEvent(ACCOUNT, "media:18")]


async def test_an_answer_does_not_wait_for_the_work() -> None:
    """Whatever the news do, the platform has its 200 by then: it would tell them again for 36 hours."""
    desk = Desk()
    assert (await desk.store(events(MEDIUM))).status_code == 200
    assert desk.news == []
    await desk.work()
    assert [news.topic for news in desk.news] == ["media:18"]


async def test_a_thousand_changes_come_at_once() -> None:
    desk = Desk()
    await desk.post(events(*(change("media", media_id=str(number), status="FINISHED") for number in range(1000))))
    assert [news.topic for news in desk.news] == [f"media:{number}" for number in range(1000)]


async def test_what_is_posted_again_is_answered_again_and_does_nothing() -> None:
    """By the platform, which heard no answer, or by somebody who saw the event pass."""
    desk = Desk()
    for _ in range(3):
        assert (await desk.post(events(CREATED, MEDIUM))).status_code == 200
    assert len(desk.news) == 2
    assert desk.events == [WebhookIgnored("repeated", 2)]
    await desk.post(events(CREATED, MEDIUM, time=EPOCH + 1))
    assert len(desk.news) == 4


async def test_nor_does_it_at_another_worker_or_after_a_restart() -> None:
    desk = Desk()
    await desk.post(events(CREATED))
    other = Desk(before=desk)
    assert (await other.post(events(CREATED))).status_code == 200
    assert other.news == []


@pytest.mark.parametrize(
    ("age", "is_heard"), [(0.0, True), (RETRIED, True), (RETRIED + SKEW, False), (-SKEW, True), (-SKEW - 1, False)]
)
async def test_news_are_heard_as_long_as_the_platform_may_post_them_again(age: float, is_heard: bool) -> None:
    desk = Desk()
    assert (await desk.post(events(CREATED, time=EPOCH - age))).status_code == 200
    assert bool(desk.news) is is_heard
    assert desk.events == ([] if is_heard else [WebhookIgnored("out of time", 1)])


async def test_what_is_forgotten_is_too_old_to_be_heard_again() -> None:
    """From the first moment at which it is believed to the last."""
    desk = Desk()
    body = events(CREATED, time=EPOCH + SKEW)
    await desk.post(body)
    for seconds in (REMEMBERED - 1, 1.0):
        desk.clock.advance(seconds)
        later = Desk(before=desk)
        await later.post(body)
        assert later.news == []


async def test_an_entry_without_a_time_is_not_heard() -> None:
    """It could be posted again for ever."""
    desk = Desk()
    assert (await desk.post(told({"id": ACCOUNT, "changes": [CREATED]}, entry(MEDIUM)))).status_code == 200
    assert desk.news == [WebhookEvent(ACCOUNT, "media:18")]
    assert desk.events == [ResponseSchemaMismatch("platform.webhook", ("entry[0].time",))]


async def test_news_of_accounts_that_are_not_ours_are_not_heard() -> None:
    desk = Desk()
    assert (await desk.post(told(entry(CREATED, account=FOREIGN), entry(MEDIUM)))).status_code == 200
    assert desk.news == [WebhookEvent(ACCOUNT, "media:18")]
    assert desk.events == [WebhookIgnored("of another account", 1)]


async def test_what_is_ignored_is_counted_and_told_once_a_minute() -> None:
    desk = Desk()
    for _ in range(5):
        await desk.post(events(CREATED, MEDIUM, account=FOREIGN))
    desk.clock.advance(REPORT_SECONDS)
    await desk.post(events(MEDIUM, account=FOREIGN))
    assert desk.events == [WebhookIgnored("of another account", 2), WebhookIgnored("of another account", 9)]


async def test_one_change_that_cannot_be_read_hides_no_other() -> None:
    desk = Desk()
    odd = [{"field": "media"}, 7, change("media", media_id={}), {"field": 1, "value": {}}]
    odd += [change("media", media_id="1" * (LONGEST_ID + 1)), change("story", story_id=10**LONGEST_ID)]
    assert (await desk.post(events(*odd, MEDIUM))).status_code == 200
    assert desk.news == [WebhookEvent(ACCOUNT, "media:18")]
    paths = [path for event in desk.events if isinstance(event, ResponseSchemaMismatch) for path in event.paths]
    assert paths == [f"entry[0].changes[{number}]" for number in range(6)]


async def test_changes_that_cannot_be_read_are_told_once_for_a_body() -> None:
    desk = Desk()
    assert (await desk.post(events(*[1] * 500, MEDIUM))).status_code == 200
    assert desk.news == [WebhookEvent(ACCOUNT, "media:18")]
    paths = tuple(f"entry[0].changes[{number}]" for number in range(MOST_PATHS))
    assert desk.events == [WebhookIgnored("not to be read", 500), ResponseSchemaMismatch("platform.webhook", paths)]


async def test_of_more_changes_than_the_contract_has_the_first_are_heard() -> None:
    desk = Desk()
    changes = [change("media", media_id=str(number)) for number in range(600)]
    await desk.post(told(entry(*changes), entry(*changes, account="7"), entry(MEDIUM)))
    assert len(desk.news) == MOST_CHANGES
    await desk.post(told(*[entry()] * MOST_CHANGES, entry(MEDIUM, MEDIUM), entry()))
    assert len(desk.news) == MOST_CHANGES
    desk.clock.advance(REPORT_SECONDS)
    await desk.post(told(entry(*[MEDIUM] * 1_001)))
    assert desk.events == [WebhookIgnored("too many at once", 200), WebhookIgnored("too many at once", 5)]


async def test_others_have_their_turn_while_many_changes_are_told() -> None:
    desk, turns = Desk(), 0

    async def count() -> None:
        nonlocal turns
        while len(desk.news) < MOST_CHANGES:
            turns += bool(desk.news)
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    await desk.post(events(*(change("media", media_id=str(number)) for number in range(MOST_CHANGES))))
    await counting
    assert turns >= MOST_CHANGES // PER_TURN - 1


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

    answer = await desk.client.post(PATH, content=pieces(), headers={"x-hub-signature-256": signed(b"")})
    assert answer.status_code == 413
    assert (await desk.post(b"x" * 1_000_001)).status_code == 413


@pytest.mark.parametrize("given", [{}, {"platform_verify_token": VERIFY}, {"platform_app_secret": SECRET}])
async def test_without_an_app_secret_there_is_no_such_place(given: dict[str, Any], tmp_path: Path) -> None:
    async with running_gateway(tmp_path, settings=Settings(**given)) as gateway:
        assert (await gateway.client.get(PATH)).status_code == 404
        assert (await gateway.client.post(PATH, content=events(MEDIUM))).status_code == 404


async def test_other_methods_are_named() -> None:
    answer = await Desk().client.put(PATH)
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    settings = Settings(platform_app_secret=SECRET, platform_verify_token=VERIFY)
    async with running_gateway(tmp_path, settings=settings) as running:
        await running.knows_its_accounts()
        yield running


async def test_a_replay_makes_nobody_pay_again(gateway: RunningGateway) -> None:
    """Nor do news of an account that is read here, and is not ours."""
    created = change("highlights", highlight_id="1", verb="edited")
    ours = (await gateway.query("{ accounts { id } }")).data["accounts"][0]["id"]
    assert gateway.parts.publishing is not None
    webhooks = gateway.parts.publishing.webhooks
    assert webhooks is not None

    async def price_after(body: bytes) -> int:
        headers = {"x-hub-signature-256": signed(body)}
        assert (await gateway.client.post(PATH, content=body, headers=headers)).status_code == 200
        await webhooks.worker.work_off()
        read = "query($id: ID!) { user(by: { id: $id }) { highlights { nodes { id } } } }"
        return sum([(await gateway.query(read, {"id": id})).charged for id in (ours, FOREIGN)])

    assert await price_after(told()) == 4
    first, foreign = events(created, account=ours), events(created, account=FOREIGN)
    assert [await price_after(body) for body in (first, first, foreign, told())] == [2, 0, 0, 0]
