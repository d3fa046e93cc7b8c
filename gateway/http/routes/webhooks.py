"""What the platform tells by itself. It is a hint and no more: events come late, twice, out of order, or never.

Contract: a GET with `hub.mode`, `hub.verify_token` and `hub.challenge` subscribes; events are posted as JSON of up to
1000 changes, signed by `X-Hub-Signature-256: sha256=<HMAC-SHA256 of the raw body with the app secret>`, and posted
again for 36 hours unless they are answered 200. Each entry names its account, and the time in Unix seconds.

A signature says who wrote an event, and not that it is new: whoever has seen one can post it again, and each time what
was bought would be forgotten. So an event is heard once: it is remembered for as long as its time may be believed.
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
# Whose a body is shows when it is whole: until then anybody may have sent it.
PATIENCE = 10.0  # seconds
# Read at once, and of them from one address: whoever has no secret must not keep the platform out.
MOST_BODIES = 16
MOST_EACH = 4
# As the contract says. Of one body: entries, and changes in all of them.
MOST_CHANGES = 1_000
LONGEST_ID = 60  # characters
MOST_PATHS = 20  # of what cannot be read that are told
PER_TURN = 50  # news that are told in one turn of the event loop
SIGNATURE = "x-hub-signature-256"
SIGNED = re.compile(r"sha256=[0-9a-f]{64}")
# Browsers must not take a challenge for a page.
SAFE_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
# All in seconds. The platform's clock may differ from ours, either way.
RETRIED = 36 * 3_600.0
SKEW = 300.0
REMEMBERED = RETRIED + 2 * SKEW
TOLD = 60.0  # between two events about what is ignored for the same reason
LATELY = 256  # events that are known again without asking the store


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """Something changed upstream. Flows wait for `topic`: `media:<id>`, `highlight:<id>` or `story:<id>`.

    `account` is the id of the user whose it is. `highlight` is the pk of the one that may read differently now, and
    with it the account's tray.
    """

    account: str
    topic: str
    highlight: str | None = None


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom news are for. Nothing here may block.

    `is_ours` says whether an account's news concern anybody. `remember` takes a name and seconds, and says whether the
    name is new: it is not to any process, until the seconds are over. It raises FlowsUnavailable.
    """

    is_ours: Callable[[str], bool]
    remember: Callable[[str, float], Awaitable[bool]]
    heard: Callable[[WebhookEvent], None]


class Value(msgspec.Struct, frozen=True, gc=False):
    media_id: str | int | None = None
    highlight_id: str | int | None = None
    story_id: str | int | None = None

    def __post_init__(self) -> None:
        """By its id something is remembered until a flow waits for it."""
        if any(len(str(id)) > LONGEST_ID for id in (self.media_id, self.highlight_id, self.story_id)):
            raise ValueError("an id is longer than any")


class Change(msgspec.Struct, frozen=True, gc=False):
    field: str
    value: Value


class Entry(msgspec.Struct, frozen=True, gc=False):
    id: str | int
    time: float | None = None
    changes: tuple[msgspec.Raw, ...] = ()


class Events(msgspec.Struct, frozen=True, gc=False):
    entry: tuple[Entry, ...]


EVENTS = msgspec.json.Decoder(Events)
CHANGE = msgspec.json.Decoder(Change)


def webhooks(
    secret: str | None, verify_token: str | None, listener: Listener, *, clock: Clock, hook: Hook
) -> list[Route]:
    """`/webhooks/platform`, unless there is no app secret to believe anything by.

    The listener hears each piece of news in turn, after the platform has its answer.
    """
    if secret is None or verify_token is None:
        return []
    ears = WebhookReceiver(secret, verify_token, listener, clock, hook)
    return [Route(PATH, ears.answer, methods=["GET", "POST"])]


class WebhookReceiver:
    def __init__(self, secret: str, verify_token: str, listener: Listener, clock: Clock, hook: Hook) -> None:
        self._secret = secret.encode()
        self._verify_token = verify_token.encode()
        self._listener = listener
        self._clock = clock
        self._hook = hook
        self._ignored = Ignored(clock, hook)
        self._lately: OrderedDict[str, None] = OrderedDict()
        self._places = Count(MOST_EACH, MOST_BODIES)
        self._bodies = Bodies()

    async def answer(self, request: Request) -> Response:
        return await self._receive(request) if request.method == "POST" else self._subscribe(request)

    def _subscribe(self, request: Request) -> Response:
        try:
            asked = parameters(request)
        except InvalidRequest:
            return _refused()
        shown = asked.get("hub.verify_token", "").encode()
        is_known = hmac.compare_digest(shown, self._verify_token)
        if not is_known or asked.get("hub.mode") != "subscribe":
            return _refused()
        return PlainTextResponse(asked.get("hub.challenge", ""), headers=SAFE_HEADERS)

    async def _receive(self, request: Request) -> Response:
        """200 for whatever is signed, even if it cannot be read: it would only be posted again."""
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
        return Response(status_code=200, background=BackgroundTask(self._tell, body))

    async def _body(self, request: Request) -> bytes:
        """Raises TooManyBodies, InvalidRequest and ClientDisconnect."""
        peer = network_of(request.client.host) if request.client else ""
        place = Share(self._places, peer)
        try:
            if not place.hold(1):
                raise TooManyBodies("Too many at once")
            with self._bodies.reading(peer) as reading:
                return await body_of(request, reading, seconds=PATIENCE)
        finally:
            place.hold(0)

    def _is_signed(self, body: bytes, signature: str) -> bool:
        """The raw body, as it came: JSON written anew would have another signature."""
        expected = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature.encode(), expected.encode())

    async def _tell(self, body: bytes) -> None:
        # A coroutine, so that it runs in the loop: whom it wakes waits there.
        news = list(self._read(body))
        if not news:  # nothing would be done about it however often it came
            return
        if not await self._is_new(body):
            self._ignored.count("repeated", len(news))
            return
        for number, one in enumerate(news, start=1):
            self._listener.heard(one)
            if not number % PER_TURN:
                await self._clock.sleep(0)

    async def _is_new(self, body: bytes) -> bool:
        """While the store cannot be reached, this process alone remembers: a hint more is better than one too few."""
        digest = hashlib.sha256(body).hexdigest()
        if digest in self._lately:
            return False
        self._lately[digest] = None
        if len(self._lately) > LATELY:
            self._lately.popitem(last=False)
        try:
            return await self._listener.remember(digest, REMEMBERED)
        except FlowsUnavailable:
            return True

    def _read(self, body: bytes) -> Iterator[WebhookEvent]:
        try:
            entries = EVENTS.decode(body).entry
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._drifted([""])
            return
        odd: list[str] = []
        left = MOST_CHANGES
        for at, entry in enumerate(entries[:MOST_CHANGES]):
            if entry.time is None:
                odd.append(f"entry[{at}].time")
            elif not self._listener.is_ours(str(entry.id)):
                self._ignored.count("of another account", len(entry.changes))
            elif not -SKEW <= self._clock.now() - entry.time < REMEMBERED - SKEW:
                self._ignored.count("out of time", len(entry.changes))
            else:
                yield from self._changes(entry.changes[:left], str(entry.id), f"entry[{at}]", odd)
                self._pass_over(len(entry.changes) - left)
                left = max(0, left - len(entry.changes))
        self._pass_over(sum(len(entry.changes) or 1 for entry in entries[MOST_CHANGES:]))
        self._drifted(odd)

    def _changes(
        self, changes: Sequence[msgspec.Raw], account: str, path: str, odd: list[str]
    ) -> Iterator[WebhookEvent]:
        """Adds to `odd` the paths of what cannot be read."""
        for number, raw in enumerate(changes):
            try:
                change = CHANGE.decode(raw)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                odd.append(f"{path}.changes[{number}]")
            else:
                yield from _news(account, change)

    def _pass_over(self, changes: int) -> None:
        if changes > 0:
            self._ignored.count("too many at once", changes)

    def _drifted(self, paths: Sequence[str]) -> None:
        """Told once for a body."""
        if len(paths) > MOST_PATHS:
            self._ignored.count("not to be read", len(paths))
        if paths:
            self._hook(ResponseSchemaMismatch("platform.webhook", tuple(paths[:MOST_PATHS])))


class Ignored:
    """Tells what is ignored: at once, and then not before a minute is over, with the number of changes until then."""

    def __init__(self, clock: Clock, hook: Hook) -> None:
        self._hook = hook
        self._limit = EventLimit(TOLD, clock)
        self._changes: Counter[str] = Counter()

    def count(self, reason: str, changes: int) -> None:
        self._changes[reason] += changes
        if self._limit.allows(reason):
            self._hook(WebhookIgnored(reason, self._changes.pop(reason)))


def _news(account: str, change: Change) -> Iterator[WebhookEvent]:
    """Of a field that somebody may wait for; others may be subscribed to, too."""
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
    """Without a reason: whoever guesses learns nothing."""
    return PlainTextResponse("Forbidden", status_code=403)
