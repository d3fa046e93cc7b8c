"""The webhooks of one process: their routes, their inbox, and the events that follow from it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from starlette.routing import Route

from gateway.clock import Clock
from gateway.composition.background import background
from gateway.events import Hook
from gateway.http.routes.webhooks import WebhookReceiver
from gateway.migrations import ABSENT
from gateway.settings import Settings
from gateway.webhooks.event_reader import EventReader, WebhookEvent
from gateway.webhooks.inbox import Inbox, StoredBody
from gateway.webhooks.inbox_store import INBOX
from gateway.webhooks.inbox_worker import InboxWorker
from gateway.webhooks.stored_inbox import StoredInbox

PER_TURN = 50  # events passed to the listener in one turn of the event loop


@dataclass(frozen=True, slots=True)
class Listener:
    """The callbacks for events. None of them may block.

    `knows_accounts` returns whether the accounts are known already; `account_of` the id of the account that the
    platform names, None of one that the gateway does not use.
    """

    knows_accounts: Callable[[], bool]
    account_of: Callable[[str], str | None]
    heard: Callable[[WebhookEvent], None]


class WebhookComponent:
    """The webhooks over an inbox. What was put into it is processed in this process or in another one."""

    def __init__(
        self, secret: str, verify_token: str, inbox: Inbox, listener: Listener, *, clock: Clock, hook: Hook
    ) -> None:
        self.inbox = inbox
        self._listener = listener
        self._clock = clock
        self._reader = EventReader(listener.account_of, clock=clock, hook=hook)
        self._receiver = WebhookReceiver(secret, verify_token, inbox, stored=self._on_stored)
        self.worker = InboxWorker(inbox, self._handle, is_ready=listener.knows_accounts, clock=clock, hook=hook)

    def routes(self) -> list[Route]:
        return [self._receiver.route()]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            async with background(self.worker.run):
                yield
        finally:
            await self.inbox.aclose()

    def _on_stored(self, body: bytes, is_new: bool) -> None:
        if is_new:
            self.worker.wake()
        else:
            self._reader.count_repeated(body)

    async def _handle(self, stored: StoredBody) -> bool:
        """Pass the events on. Without any a repetition has no effect, so it need not be recognised."""
        number = 0
        for number, event in enumerate(self._reader.read(stored), start=1):
            self._listener.heard(event)
            if not number % PER_TURN:
                await self._clock.sleep(0)
        return number > 0


def webhooks_of(settings: Settings, listener: Listener, *, clock: Clock, hook: Hook) -> WebhookComponent | None:
    """Return the webhooks; None without an app secret, since signatures cannot be checked."""
    secret, verify_token = settings.platform_app_secret, settings.platform_verify_token
    if secret is None or verify_token is None:
        return None
    inbox = StoredInbox(INBOX.url(settings.flows_url, settings.data_dir), clock)
    return WebhookComponent(secret, verify_token, inbox, listener, clock=clock, hook=hook)


def stored_inbox(settings: Settings, clock: Clock) -> Inbox | None:
    """Return the inbox that an earlier or another process has made, if any. Blocks. Raise InboxUnavailable."""
    url = INBOX.url(settings.flows_url, settings.data_dir)
    return None if INBOX.version_in(url).found == ABSENT else StoredInbox(url, clock)
