"""The platform's webhooks: handshake, signed events, retries until delivery, and configurable unreliability."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import random
import secrets
import ssl
from collections.abc import Callable, Coroutine
from functools import cached_property
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from gateway.clock import Clock, until_first
from gateway.domain.hosts import is_loopback
from gateway.sandbox.faults import Seconds, Share
from gateway.sandbox.publishing.webhook_events import News
from gateway.sandbox.scheduler import Scheduler

MOST_CHANGES = 1_000
GIVES_UP_AFTER = 36 * 3_600.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 600.0
TIMEOUT = 10.0
HANDSHAKE = 32  # bytes of a challenge
HEADERS = {"accept-encoding": "identity"}


class Mode(Struct, forbid_unknown_fields=True, frozen=True):
    """The shares of events that are sent late (by so many seconds), twice, never, or after the next event."""

    late: Share = 0.0
    twice: Share = 0.0
    never: Share = 0.0
    out_of_order: Share = 0.0
    late_seconds: Seconds = 5.0
    seed: int = 0


class Subscription(Struct, forbid_unknown_fields=True, frozen=True):
    """The body of `POST /_control/webhooks`."""

    url: str
    app_secret: str
    verify_token: str
    mode: Mode = Mode()


class HandshakeFailed(Exception):
    """The callback did not answer the handshake correctly."""


class Event(Struct, frozen=True):
    """A change of an account. `time` is in Unix seconds."""

    account: int
    time: int
    field: str
    value: dict[str, str]


class Webhooks:
    """The subscribers, by URL. `transport` is entered and left for each delivery; None means real sockets.

    Real sockets reach only this machine, because a subscriber must not gain access to other hosts (SSRF).

    While there is a subscriber, timed actions run when they are due, not only at the next call.
    """

    def __init__(self, agenda: Scheduler, clock: Clock, transport: httpx.AsyncBaseTransport | None) -> None:
        self._agenda = agenda
        self._clock = clock
        self._transport = transport
        self._deliveries: dict[str, Courier] = {}
        self._waker: asyncio.Task[None] | None = None

    @property
    def urls(self) -> list[str]:
        return list(self._deliveries)

    async def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription and replace an earlier one with this URL. Raises HandshakeFailed."""
        await self._handshake(subscription)
        if earlier := self._deliveries.pop(subscription.url, None):
            earlier.stop()
        self._deliveries[subscription.url] = Courier(subscription, self._clock, self.client)
        if self._waker is None:
            self._waker = asyncio.create_task(self._run_due_actions())

    def clear(self) -> None:
        for delivery in self._deliveries.values():
            delivery.stop()
        self._deliveries.clear()
        if self._waker is not None:
            self._waker.cancel()
            self._waker = None

    def tell(self, news: News) -> None:
        event = Event(news.account, int(self._clock.now()), news.field, news.value())
        for delivery in self._deliveries.values():
            delivery.take(event)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=self._transport, verify=self._trust, timeout=TIMEOUT, trust_env=False, headers=HEADERS
        )

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    async def _handshake(self, subscription: Subscription) -> None:
        challenge = secrets.token_urlsafe(HANDSHAKE)
        query = {
            "hub.mode": "subscribe",
            "hub.challenge": challenge,
            "hub.verify_token": subscription.verify_token,
        }
        try:
            url = httpx.URL(subscription.url)
            if self._transport is None and not is_loopback(url.host):
                raise HandshakeFailed("the callback must be on this machine: at localhost, 127.0.0.1 or [::1]")
            async with self.client() as client, client.stream("GET", url.copy_merge_params(query)) as response:
                received = await _beginning(response, len(challenge) + 1)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise HandshakeFailed("the callback cannot be reached") from exc
        if response.status_code != 200 or received != challenge.encode():
            raise HandshakeFailed(f"the callback answered {response.status_code} without the challenge")

    async def _run_due_actions(self) -> None:
        changed = asyncio.Event()
        self._agenda.on_change = changed.set
        while True:
            changed.clear()
            self._agenda.catch_up()
            wait = self._agenda.wait
            if wait is None:
                await changed.wait()
            else:
                await until_first(self._clock.sleep(wait), changed.wait())


class Courier:
    """The delivery to one subscriber: in order, concurrent events in one request, unless `mode` changes that."""

    def __init__(self, subscription: Subscription, clock: Clock, client: Callable[[], httpx.AsyncClient]) -> None:
        self._subscription = subscription
        self._mode = subscription.mode
        self._clock = clock
        self._client = client
        self._dice = random.Random(self._mode.seed)  # nosec B311 # noqa: S311 (reproducible, not a secret)
        self._queue: list[Event] = []
        self._overtaken: Event | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, event: Event) -> None:
        """Queue an event. It always takes the same number of random draws, so that the shares are independent."""
        never, twice, late, behind = (self._dice.random() for _ in range(4))
        if never < self._mode.never:
            return
        if twice < self._mode.twice:
            self._start(self._enqueue_later(event))
        if late < self._mode.late:
            self._start(self._enqueue_later(event))
        elif behind < self._mode.out_of_order and self._overtaken is None:
            self._overtaken = event
            self._start(self._release_later())
        else:
            self._enqueue(event)
            self._release()  # so it follows directly after the event that overtook it

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def _enqueue(self, event: Event) -> None:
        self._queue.append(event)
        if len(self._queue) == 1:
            self._start(self._send_queued())

    def _release(self) -> None:
        if self._overtaken is not None:
            event, self._overtaken = self._overtaken, None
            self._enqueue(event)

    async def _enqueue_later(self, event: Event) -> None:
        await self._clock.sleep(self._mode.late_seconds)
        self._enqueue(event)

    async def _release_later(self) -> None:
        """Release a held event after a time if no other event follows."""
        await self._clock.sleep(self._mode.late_seconds)
        self._release()

    async def _send_queued(self) -> None:
        """Send the queued events. A failed delivery is retried separately, so that it does not block the others."""
        while self._queue:
            events = self._queue[:MOST_CHANGES]
            body = _body(events)
            if not await self._is_delivered(body):
                self._start(self._repeat(body))
            del self._queue[: len(events)]

    async def _repeat(self, body: bytes) -> None:
        """Retry a delivery until it succeeds or is too old."""
        began, pause = self._clock.monotonic(), FIRST_PAUSE
        while self._clock.monotonic() - began < GIVES_UP_AFTER:
            await self._clock.sleep(pause)
            if await self._is_delivered(body):
                return
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _is_delivered(self, body: bytes) -> bool:
        signature = hmac.digest(self._subscription.app_secret.encode(), body, "sha256").hex()
        headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={signature}"}
        with contextlib.suppress(httpx.HTTPError):
            client = self._client()
            async with client, client.stream("POST", self._subscription.url, content=body, headers=headers) as response:
                return bool(response.status_code == 200)
        return False

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _beginning(response: httpx.Response, size: int) -> bytes:
    """Return at least `size` bytes of the body, if it has as many: a subscriber's response may be endless."""
    body = b""
    assert isinstance(response.stream, httpx.AsyncByteStream), "an asynchronous client has an asynchronous stream"
    async for piece in response.stream:
        body += piece
        if len(body) >= size:
            break
    return body


def _body(events: list[Event]) -> bytes:
    """Return the request body, with one entry per account and second."""
    entries: dict[tuple[int, int], list[dict[str, object]]] = {}
    for event in events:
        change: dict[str, object] = {"field": event.field, "value": event.value}
        entries.setdefault((event.account, event.time), []).append(change)
    return msgspec.json.encode(
        {
            "object": "instagram",
            "entry": [{"id": str(id), "time": time, "changes": changes} for (id, time), changes in entries.items()],
        }
    )
