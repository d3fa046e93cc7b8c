"""The webhook of the platform. Its events are only hints: they come late, twice, out of order, or never.

Contract: a GET with `hub.mode`, `hub.verify_token` and `hub.challenge` subscribes; events are posted as JSON of up to
1000 changes, signed by `X-Hub-Signature-256: sha256=<HMAC-SHA256 of the raw body with the app secret>`, and posted
again for 36 hours unless they are answered 200. Each entry names its account, and the time in Unix seconds.

A signature proves the author of an event, not that it is new: anyone who has seen one could replay it, and each replay
would invalidate cache entries that were paid for. So each event is handled once: its digest is stored for as long as
its timestamp is accepted.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gateway.clock import Clock
from gateway.domain.hosts import network_of
from gateway.domain.shares import Count, Share
from gateway.errors import BodyTooLarge, FlowsUnavailable, InvalidRequest, TooManyBodies
from gateway.events import EventLimit, Hook, ResponseSchemaMismatch, WebhookIgnored
from gateway.http.bodies import Bodies
from gateway.http.request_parsing import body_of, parameters

PATH = "/webhooks/platform"
# The signature can be checked only once the body is complete: until then the sender is unknown.
PATIENCE = 10.0  # seconds
# Bodies read concurrently, in total and per address: senders without the secret must not keep the platform out.
MOST_BODIES = 16
MOST_EACH = 4
# By the contract. Entries of one body, and changes in all of them together.
MOST_CHANGES = 1_000
LONGEST_ID = 60  # characters
MOST_PATHS = 20  # of undecodable values that one event reports
PER_TURN = 50  # events passed to the listener in one turn of the event loop
SIGNATURE = "x-hub-signature-256"
SIGNED = re.compile(r"sha256=[0-9a-f]{64}")
# Browsers must not interpret a challenge as HTML.
SAFE_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
# All in seconds. The platform's clock may be ahead of the gateway's, or behind it.
RETRIED = 36 * 3_600.0
SKEW = 300.0
REMEMBERED = RETRIED + 2 * SKEW
REPORT_SECONDS = 60.0  # between two reports of changes ignored for the same reason
LATELY = 256  # digests that are recognised without a look into the store


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A change upstream. Workflows wait for `topic`: `media:<id>`, `highlight:<id>` or `story:<id>`.

    `account` is the id of the owning user. `highlight` is the pk of the highlight that may have changed, and with it
    the account's tray.
    """

    account: str
    topic: str
    highlight: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """The callbacks for events. None of them may block.

    `is_ours` returns whether the gateway uses an account. `remember` takes a name and seconds, and returns whether the
    name is new: for so many seconds it is not, in any process. It raises FlowsUnavailable.
    """

    is_ours: Callable[[str], bool]
    remember: Callable[[str, float], Awaitable[bool]]
    heard: Callable[[WebhookEvent], None]


class Value(msgspec.Struct, frozen=True, gc=False):
    media_id: str | int | None = None
    highlight_id: str | int | None = None
    story_id: str | int | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for an overlong id: ids are stored until a workflow waits for them."""
        if any(len(str(id)) > LONGEST_ID for id in (self.media_id, self.highlight_id, self.story_id)):
            raise ValueError("an id is longer than any")


class Change(msgspec.Struct, frozen=True, gc=False):
    field: str
    value: Value


class WebhookEntry(msgspec.Struct, frozen=True, gc=False):
    id: str | int
    time: float | None = None
    changes: tuple[msgspec.Raw, ...] = ()


class Events(msgspec.Struct, frozen=True, gc=False):
    entry: tuple[WebhookEntry, ...]


EVENTS = msgspec.json.Decoder(Events)
CHANGE = msgspec.json.Decoder(Change)


def webhooks(
    secret: str | None, verify_token: str | None, listener: Listener, *, clock: Clock, hook: Hook
) -> list[Route]:
    """Return the route `/webhooks/platform`; none without an app secret, since signatures cannot be checked.

    The listener gets the events one after the other, after the response has been sent.
    """
    if secret is None or verify_token is None:
        return []
    receiver = WebhookReceiver(secret, verify_token, listener, clock, hook)
    return [Route(PATH, receiver.answer, methods=["GET", "POST"])]


class WebhookReceiver:
    def __init__(self, secret: str, verify_token: str, listener: Listener, clock: Clock, hook: Hook) -> None:
        self._secret = secret.encode()
        self._verify_token = verify_token.encode()
        self._listener = listener
        self._clock = clock
        self._hook = hook
        self._ignored = Ignored(clock, hook)
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._senders = Count(MOST_EACH, MOST_BODIES)
        self._bodies = Bodies()

    async def answer(self, request: Request) -> Response:
        return await self._receive(request) if request.method == "POST" else self._subscribe(request)

    def _subscribe(self, request: Request) -> Response:
        try:
            params = parameters(request)
        except InvalidRequest:
            return _refused()
        shown = params.get("hub.verify_token", "").encode()
        is_known = hmac.compare_digest(shown, self._verify_token)
        if not is_known or params.get("hub.mode") != "subscribe":
            return _refused()
        return PlainTextResponse(params.get("hub.challenge", ""), headers=SAFE_HEADERS)

    async def _receive(self, request: Request) -> Response:
        """Return 200 for any signed body, even an undecodable one: the platform would only send it again."""
        signature = request.headers.get(SIGNATURE, "")
        if not SIGNED.fullmatch(signature):
            return _refused()
        try:
            body = await self._body(request)
        except TooManyBodies as error:
            return PlainTextResponse(error.message, status_code=503, headers={"retry-after": "10"})
        except BodyTooLarge as error:
            return PlainTextResponse(error.message, status_code=413)
        except InvalidRequest as error:
            return PlainTextResponse(error.message, status_code=400)
        except ClientDisconnect:
            return Response(status_code=400)
        if not self._is_signed(body, signature):
            return _refused()
        return Response(status_code=200, background=BackgroundTask(self._dispatch, body))

    async def _body(self, request: Request) -> bytes:
        """Return the body. Raises TooManyBodies, BodyTooLarge, InvalidRequest and ClientDisconnect."""
        peer = network_of(request.client.host) if request.client else ""
        slot = Share(self._senders, peer)
        try:
            if not slot.hold(1):
                raise TooManyBodies("Too many at once")
            with self._bodies.reading(peer) as reading:
                return await body_of(request, reading, seconds=PATIENCE)
        finally:
            slot.hold(0)

    def _is_signed(self, body: bytes, signature: str) -> bool:
        """Return whether the raw body is signed: re-encoded JSON would have another signature."""
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), expected.encode())

    async def _dispatch(self, body: bytes) -> None:
        # A coroutine, so that it runs in the event loop, in which workflows wait for events.
        events = list(self._read(body))
        if not events:  # without events a replay has no effect, so it need not be remembered
            return
        if not await self._is_new(body):
            self._ignored.count("repeated", len(events))
            return
        for number, one in enumerate(events, start=1):
            self._listener.heard(one)
            if not number % PER_TURN:
                await self._clock.sleep(0)

    async def _is_new(self, body: bytes) -> bool:
        """Return whether the body is new. Without the store, only this process checks: a duplicate beats a loss."""
        digest = hashlib.sha256(body).hexdigest()
        if digest in self._recent:
            return False
        self._recent[digest] = None
        if len(self._recent) > LATELY:
            self._recent.popitem(last=False)
        try:
            return await self._listener.remember(digest, REMEMBERED)
        except FlowsUnavailable:
            return True

    def _read(self, body: bytes) -> Iterator[WebhookEvent]:
        try:
            entries = EVENTS.decode(body).entry
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._report_undecodable([""])
            return
        undecodable: list[str] = []
        left = MOST_CHANGES
        for at, entry in enumerate(entries[:MOST_CHANGES]):
            if entry.time is None:
                undecodable.append(f"entry[{at}].time")
            elif not self._listener.is_ours(str(entry.id)):
                self._ignored.count("of another account", len(entry.changes))
            elif not -SKEW <= self._clock.now() - entry.time < REMEMBERED - SKEW:
                self._ignored.count("out of time", len(entry.changes))
            else:
                yield from self._changes(entry.changes[:left], str(entry.id), f"entry[{at}]", undecodable)
                self._count_excess(len(entry.changes) - left)
                left = max(0, left - len(entry.changes))
        self._count_excess(sum(len(entry.changes) or 1 for entry in entries[MOST_CHANGES:]))
        self._report_undecodable(undecodable)

    def _changes(
        self, changes: Sequence[msgspec.Raw], account: str, path: str, undecodable: list[str]
    ) -> Iterator[WebhookEvent]:
        """Yield the events of `changes`, and add the paths of undecodable values to `odd`."""
        for number, raw in enumerate(changes):
            try:
                change = CHANGE.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                undecodable.append(f"{path}.changes[{number}]")
            else:
                yield from _events_of(account, change)

    def _count_excess(self, changes: int) -> None:
        if changes > 0:
            self._ignored.count("too many at once", changes)

    def _report_undecodable(self, paths: Sequence[str]) -> None:
        """Report undecodable values, once per body."""
        if len(paths) > MOST_PATHS:
            self._ignored.count("not to be read", len(paths))
        if paths:
            self._hook(ResponseSchemaMismatch("platform.webhook", tuple(paths[:MOST_PATHS])))


class Ignored:
    """The reports of ignored changes, per reason: the first at once, then at most one a minute with the sum."""

    def __init__(self, clock: Clock, hook: Hook) -> None:
        self._hook = hook
        self._limit = EventLimit(REPORT_SECONDS, clock)
        self._changes: Counter[str] = Counter()

    def count(self, reason: str, changes: int) -> None:
        self._changes[reason] += changes
        if self._limit.allows(reason):
            self._hook(WebhookIgnored(reason, self._changes.pop(reason)))


def _events_of(account: str, change: Change) -> Iterator[WebhookEvent]:
    """Yield the event of a change if workflows may wait for its field; other fields may be subscribed, too."""
    match change:
        case Change("media", Value(media_id=id)) if id is not None:
            yield WebhookEvent(account, f"media:{id}")
        case Change("highlights", Value(highlight_id=id)) if id is not None:
            pk = str(id).removeprefix("highlight:")
            yield WebhookEvent(account, f"highlight:{pk}", highlight=pk)
        case Change("stories", Value(story_id=id)) if id is not None:
            yield WebhookEvent(account, f"story:{id}")
        case _:
            pass


def _refused() -> Response:
    """Return 403 without a reason, so that guessing reveals nothing."""
    return PlainTextResponse("Forbidden", status_code=403)
