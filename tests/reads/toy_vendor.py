"""A second read vendor: rows, decoding and a client of its own.

It differs from HikerAPI in what a vendor may differ in: a tray embeds each highlight with its items, there is none by
user name, no call can be forced, prices are others, and the JSON is an envelope that states the cost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from gateway.clock import Clock
from gateway.domain.ids import HighlightId, ItemId, UserId, Username
from gateway.domain.media import MediaId
from gateway.domain.models import Item
from gateway.errors import (
    CursorExpired,
    GatewayError,
    InsufficientFunds,
    NotFound,
    PrivateAccount,
    UpstreamInvalidAnswer,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamUnauthorized,
    UpstreamUnavailable,
)
from gateway.events import ignore
from gateway.reads.endpoints import Call, Endpoint, Endpoints, OnSchemaMismatch
from gateway.reads.facts import FactKind, Value
from gateway.reads.port import Balance, ReadOutcome
from gateway.upstream.client.client import STANDARD, InterpretedResponse, UpstreamClient
from gateway.upstream.client.errors import error_from_failure, invalid_answer
from gateway.upstream.client.exchange import Failure, Reply
from gateway.upstream.client.prepared_requests import GetRequestFactory, PreparedGet
from tests.reads.toy_wire import (
    HEAD,
    WireCollection,
    WireEnvelope,
    WirePerson,
    WirePost,
    WireRaw,
    WireRemark,
    WireRemarkCounts,
    WireSheet,
    WireStory,
    highlight_of,
    item_of,
    people_of,
    post_of,
    posts_of,
    profile_of,
    remark_counts_of,
    remarks_of,
    stories_of,
    tray_of,
)

BASE = "https://toy.test"
BALANCE_TARGET = "/balance"
UNKNOWN, LOCKED, TORN = "unknown", "locked", "torn"  # the last: there is no such page
BALANCE = msgspec.json.Decoder(WireEnvelope[Balance])
COUNTS = msgspec.json.Decoder(WireRemarkCounts)
RESULT = msgspec.json.Decoder(WireRaw)
R = TypeVar("R")


class ToyShape(Generic[R]):
    """The decoder of one endpoint's results. `keys` returns the keys by which a result may have been requested."""

    def __init__(self, wire: Any, model: Callable[[R], Value], keys: Callable[[R], set[str]]) -> None:
        self._decoder: msgspec.json.Decoder[WireEnvelope[R]] = msgspec.json.Decoder(WireEnvelope[wire])
        self._model = model
        self._keys = keys

    def read(self, call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> Value:
        """Decode the result in an envelope. Raises UpstreamInvalidAnswer."""
        try:
            result = self._decoder.decode(body).result
        except msgspec.DecodeError as exc:
            raise invalid_answer(call.subject) from exc
        if result is None or not self._keys(result) <= {call.key.lower()}:
            raise invalid_answer(call.subject)
        return self._model(result)


class ToyCounts:
    """The decoder of counts, which are the result without its envelope: each is kept for itself."""

    def read(self, call: Call, body: bytes, on_drift: OnSchemaMismatch | None = None) -> Value:
        """Decode the counts. Raises UpstreamInvalidAnswer."""
        try:
            return remark_counts_of(COUNTS.decode(body))
        except msgspec.DecodeError as exc:
            raise invalid_answer(call.subject) from exc


# -- the rows


@dataclass(frozen=True, kw_only=True, eq=False)
class ToyEndpoint(Endpoint):
    """An endpoint. `path` has a place for the key. The pages of a list after the first one have numbers."""

    path: str

    def target(self, call: Call) -> str:
        page = f"?page={quote(call.cursor, safe='')}" if call.cursor else ""
        return self.path.format(quote(call.key, safe="")) + page


PERSON = ToyEndpoint(
    label="person",
    noun="user",
    answers=FactKind.PROFILE,
    by=UserId,
    price=1,
    path="/people/{}",
    decoder=ToyShape[WirePerson](WirePerson, profile_of, lambda person: {person.uid}),
)
PERSON_BY_HANDLE = ToyEndpoint(
    label="person_by_handle",
    noun="user",
    answers=FactKind.PROFILE,
    by=Username,
    by_id=PERSON,
    price=1,
    path="/people/@{}",
    decoder=ToyShape[WirePerson](WirePerson, profile_of, lambda person: {person.handle.lower()}),
)
COLLECTIONS = ToyEndpoint(
    label="collections",
    noun="user",
    answers=FactKind.TRAY,
    by=UserId,
    price=4,
    embeds=FactKind.HIGHLIGHT,
    path="/people/{}/collections",
    decoder=ToyShape[tuple[WireCollection, ...]](
        tuple[WireCollection, ...], tray_of, lambda collections: {collection.owner.uid for collection in collections}
    ),
)
LIVE = ToyEndpoint(
    label="live",
    noun="user",
    answers=FactKind.STORIES,
    by=UserId,
    price=1,
    path="/people/{}/live",
    decoder=ToyShape[tuple[WireStory, ...]](
        tuple[WireStory, ...], stories_of, lambda stories: {story.by for story in stories}
    ),
)
COLLECTION = ToyEndpoint(
    label="collection",
    noun="highlight",
    answers=FactKind.HIGHLIGHT,
    by=HighlightId,
    price=2,
    path="/collections/{}",
    decoder=ToyShape[WireCollection](WireCollection, highlight_of, lambda collection: {collection.number}),
)
STORY = ToyEndpoint(
    label="story",
    noun="item",
    answers=FactKind.ITEM,
    by=ItemId,
    price=1,
    path="/stories/{}",
    decoder=ToyShape[WireStory](WireStory, lambda story: item_of(story, Item), lambda story: {story.number}),
)
POST = ToyEndpoint(
    label="post",
    noun="media",
    answers=FactKind.MEDIA,
    by=MediaId,
    price=1,
    path="/posts/{}",
    decoder=ToyShape[WirePost](WirePost, post_of, lambda post: {post.number}),
)
WALL = ToyEndpoint(
    label="wall",
    noun="user",
    answers=FactKind.POSTS,
    by=UserId,
    price=2,
    page_size=3,
    path="/people/{}/wall",
    decoder=ToyShape[WireSheet[WirePost]](WireSheet[WirePost], posts_of, lambda _: set()),
)
FANS = ToyEndpoint(
    label="fans",
    noun="user",
    answers=FactKind.FOLLOWERS,
    by=UserId,
    price=1,
    page_size=2,
    path="/people/{}/fans",
    decoder=ToyShape[WireSheet[WirePerson]](WireSheet[WirePerson], people_of, lambda _: set()),
)
IDOLS = ToyEndpoint(
    label="idols",
    noun="user",
    answers=FactKind.FOLLOWING,
    by=UserId,
    price=1,
    page_size=2,
    path="/people/{}/idols",
    decoder=ToyShape[WireSheet[WirePerson]](WireSheet[WirePerson], people_of, lambda _: set()),
)
REMARKS = ToyEndpoint(
    label="remarks",
    noun="media",
    answers=FactKind.COMMENTS,
    by=MediaId,
    price=3,
    page_size=5,
    path="/posts/{}/remarks",
    decoder=ToyShape[WireSheet[WireRemark]](WireSheet[WireRemark], remarks_of, lambda _: set()),
)
REMARK_COUNTS = ToyEndpoint(
    label="remark_counts",
    noun="media",
    answers=FactKind.COMMENT_COUNT,
    by=MediaId,
    price=1,
    batch_size=2,
    path="/remark-counts/{}",
    decoder=ToyCounts(),
)
ENDPOINTS = Endpoints(
    *(PERSON, PERSON_BY_HANDLE, COLLECTIONS, LIVE, COLLECTION, STORY),
    *(POST, WALL, FANS, IDOLS, REMARKS, REMARK_COUNTS),
)


# -- the client


class ToyApi:
    """The vendor's client, over the client of any upstream."""

    endpoints: Endpoints[ToyEndpoint] = ENDPOINTS

    def __init__(self, client: UpstreamClient, request: Callable[[str], PreparedGet], clock: Clock) -> None:
        self._client = client
        self._request = request
        self._clock = clock

    async def start(self) -> None:
        """Do nothing: the rate is given."""

    async def fetch(self, call: Call) -> ReadOutcome:
        """Make `call` and return its outcome. Raises only CancelledError."""
        began, endpoint = self._clock.monotonic(), call.endpoint
        assert isinstance(endpoint, ToyEndpoint), "the call is one of this API's"
        interpreted, attempts = await self._client.ask(
            self._request(endpoint.target(call)), endpoint.label, partial(_interpret, call)
        )
        result, problem = interpreted.result, None
        if isinstance(result, GatewayError):
            result.subject, problem = call.subject, result
        return ReadOutcome(
            call,
            None if isinstance(result, GatewayError) else result,
            b"" if problem else interpreted.body,
            problem,
            interpreted.charged,
            interpreted.in_doubt,
            self._clock.monotonic() - began,
            attempts,
            interpreted.waited,
        )

    async def balance(self) -> Balance:
        """Return the account's balance, free of charge. Raises UpstreamError."""
        interpreted, _ = await self._client.ask(self._request(BALANCE_TARGET), "balance", _interpret_balance)
        return interpreted.value()

    async def aclose(self) -> None:
        await self._client.aclose()


def connect(transport: httpx.AsyncBaseTransport, clock: Clock) -> ToyApi:
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), STANDARD.read)
    client = UpstreamClient(transport, policy=STANDARD, rate=1e9, clock=clock, hook=ignore)
    return ToyApi(client, GetRequestFactory(BASE, {"authorization": "Bearer key"}, timeouts), clock)


def _interpret(call: Call, reply: Reply) -> InterpretedResponse[Value]:
    """Return the meaning of a reply. What was sent and not answered counts as charged."""
    if reply.failure is not None:
        charged = call.nominal_price if reply.was_sent and reply.failure is not Failure.UNREACHED else 0
        return InterpretedResponse(reply, error_from_failure(reply, call.subject), b"", charged, charged > 0)
    if reply.status not in (200, 403, 404):
        return InterpretedResponse(reply, _refusal(reply, call.subject), b"", 0, False)
    try:
        head = HEAD.decode(reply.body)
    except msgspec.DecodeError:
        return InterpretedResponse(reply, invalid_answer(call.subject), b"", call.nominal_price, True)
    body = reply.body
    if call.endpoint.batch_size > 1 and head.problem is None:
        body = bytes(RESULT.decode(body).result)
    return InterpretedResponse(reply, _result(call, head.problem, body), body, head.cost, False)


def _result(call: Call, problem: str | None, body: bytes) -> Value | GatewayError:
    if problem == UNKNOWN:
        return NotFound(f"There is no {call.subject}.")
    if problem == LOCKED:
        return PrivateAccount(f"The {call.subject} belongs to a private account.")
    if problem == TORN:
        return CursorExpired(f"There is no such page of a list of {call.subject}.")
    if problem is not None:
        return UpstreamRejected(f"The upstream did not accept the request for {call.subject}.")
    try:
        return call.read(body)
    except UpstreamInvalidAnswer as exc:
        return exc


def _refusal(reply: Reply, subject: str) -> GatewayError:
    """Return the error of a response that is not charged."""
    if reply.is_trouble and reply.status != 429:
        return UpstreamUnavailable(f"The upstream failed to answer for {subject}.", retry_after=reply.retry_after)
    match reply.status:
        case 429:
            return UpstreamRateLimited(f"The upstream had no room for {subject}.", retry_after=reply.retry_after)
        case 401:
            return UpstreamUnauthorized("The upstream refused the gateway's own key.")
        case 402:
            return InsufficientFunds("The gateway's account with the upstream is empty.")
        case _:
            return UpstreamRejected(f"The upstream did not accept the request for {subject}.")


def _interpret_balance(reply: Reply) -> InterpretedResponse[Balance]:
    subject = "the account's balance"
    result: Balance | GatewayError | None
    if reply.failure is not None:
        result = error_from_failure(reply, subject)
    elif reply.status != 200:
        result = _refusal(reply, subject)
    else:
        try:
            result = BALANCE.decode(reply.body).result
        except msgspec.DecodeError:
            result = None
    return InterpretedResponse(reply, result or invalid_answer(subject), reply.body, 0, False)
