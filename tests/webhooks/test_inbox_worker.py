"""What was acknowledged is worked on: by the next start, once the accounts are known, and once more after a failure."""

from __future__ import annotations

import pytest

from gateway.composition.webhook_component import Listener
from gateway.events import InternalErrorMasked
from gateway.webhooks.event_reader import WebhookEvent
from gateway.webhooks.inbox import CLAIM_SECONDS, RETRIED
from tests.webhooks.desk import CREATED, MEDIUM, Desk, events


async def test_what_cannot_be_stored_is_not_acknowledged() -> None:
    """The platform posts it again, for 36 hours."""
    desk = Desk()
    desk.inbox.reachable = False
    refused = await desk.store(events(MEDIUM))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
    desk.inbox.reachable = True
    assert (await desk.post(events(MEDIUM))).status_code == 200
    assert len(desk.news) == 1


async def test_what_was_acknowledged_is_worked_on_by_the_next_start() -> None:
    desk = Desk()
    await desk.store(events(MEDIUM))
    other = Desk(before=desk)
    await other.work()
    assert [news.topic for news in other.news] == ["media:18"]
    await desk.work()
    assert desk.news == []


async def test_news_wait_until_the_accounts_are_known() -> None:
    """After a start they would be those of a stranger."""
    desk = Desk()
    desk.knows_accounts = False
    await desk.post(events(MEDIUM))
    assert (desk.news, desk.events) == ([], [])
    desk.knows_accounts = True
    await desk.work()
    assert len(desk.news) == 1


async def test_what_fails_is_worked_on_once_more_and_holds_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    failures = [ZeroDivisionError()]

    def heard(news: WebhookEvent) -> None:
        if failures:
            raise failures.pop()
        desk.news.append(news)

    monkeypatch.setattr(desk.webhooks, "_listener", Listener(lambda: True, lambda account: account, heard))
    await desk.store(events(MEDIUM))
    await desk.post(events(CREATED))
    assert len(desk.news) == 1
    (masked,) = desk.events
    assert isinstance(masked, InternalErrorMasked)
    desk.clock.advance(CLAIM_SECONDS)
    await desk.work()
    assert len(desk.news) == 2


async def test_news_that_waited_for_long_are_as_old_as_when_they_came() -> None:
    desk = Desk()
    await desk.store(events(MEDIUM))
    desk.clock.advance(RETRIED)
    await desk.work()
    assert len(desk.news) == 1
