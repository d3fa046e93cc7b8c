"""Exact matches: a cached response is replayed to a byte-identical request, with up-to-date billing.

That runs before all routes. The first repetition of a request takes the full path, whose response names what a replay
needs; status, headers and compressed body are recorded as sent. Later repetitions skip parsing and negotiation.
Everything that can change between two requests is checked each time: clients and their rights, stored documents,
the entries behind the response, the allowance. Any other request takes the full path; only that path refuses requests.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.billing.budget import OperationBudget, WindowFigures
from gateway.cache.response_cache import Response, Responses
from gateway.clients import Client, Clients
from gateway.clients.table import Version as ClientsVersion
from gateway.correlation import REQUEST_ID, TRACEPARENT
from gateway.errors import LedgerUnavailable, Unauthenticated
from gateway.http import responses, status_codes
from gateway.http.replays import ReplayObserver
from gateway.http.request_options import key_in
from gateway.http.request_parsing import GraphQLRequest
from gateway.operation_events import OperationCompleted, ReplayCount
from gateway.operations.billing import report_cached
from gateway.operations.persisted_queries import PersistedQueries, hash_in
from schema.context import Context

PATH = "/graphql"
METHODS = ("POST", "GET")
REPLAY = "gateway.replay"  # key in the first message of a response that may be replayed
# Not read by anything after this middleware, so not part of the key. All other headers are. The host is checked before.
HEADERS_NOT_IN_KEY = frozenset(
    name.encode()
    for name in (
        *(
            "host",
            "user-agent",
            "connection",
            "content-length",
            "accept-language",
            "referer",
            "cookie",
            "dnt",
            "priority",
        ),
        *("traceparent", "tracestate", "x-request-id", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
        *("sec-fetch-dest", "sec-fetch-mode", "sec-fetch-user", "sec-gpc"),
        *("sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform"),
    )
)
# Headers that a request is examined for, besides those of the key.
NAMING = frozenset({REQUEST_ID, TRACEPARENT})
EXAMINED = frozenset({b"expect", b"content-length"}) | NAMING
# Recomputed for each replay. A response with a header that is not replayable depends on data unknown to this module.
VOLATILE_HEADERS = frozenset({b"content-length", b"cache-control", b"x-billing-remaining", REQUEST_ID})
REPLAYABLE_HEADERS = VOLATILE_HEADERS | {
    b"content-type",
    b"content-encoding",
    b"vary",
    b"etag",
    b"x-content-type-options",
}
REPLAYABLE_HEADERS |= {b"x-billed-requests", b"access-control-allow-origin", b"access-control-expose-headers"}
LONGEST = 20_000  # bytes of a request's body
# Measured bytes of an entry beside the data of its request, and of a header beside its name and value.
OVERHEAD = 3_000
EACH_HEADER = 150
# Beyond this many bytes several messages are cheaper than joining the parts.
COALESCE_BELOW_BYTES = 64_000
BEGINNING, MIDDLE, END = b'{"data":', b',"extensions":', b"}"

RequestTerms: TypeAlias = tuple[str, bytes, tuple[tuple[bytes, bytes], ...]]
Request: TypeAlias = tuple[RequestTerms, bytes]
# Of the clients and of the trusted documents.
Version: TypeAlias = tuple[ClientsVersion, int]


@dataclass(slots=True, eq=False)
class ExactReplay:
    """A cached response with everything that its validity for one request depends on.

    `document` is a persisted document's id or hash, which may refer to another text later, and its text. `explains`:
    the bill is itemised. `tells_life`: the headers include `cache-control` with the remaining lifetime. `figures` are
    those of the tightest allowance window, `extensions` the JSON after the data with a bill of these figures.
    `operation` is the event of a replay, and `observed` counts them.
    """

    response: Response
    document: tuple[str, str] | None
    client: Client
    budget: OperationBudget
    explains: bool
    tells_life: bool
    figures: WindowFigures | None
    operation: OperationCompleted
    observed: ReplayCount | None = None
    extensions: bytes = b""
    version: Version = ((0, 0), 0)
    size: int = 0
    status: int = 0
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    encoded: bytes | None = None

    def record(self, request: Request, start: Message, body: list[bytes]) -> None:
        """Record the response as sent. Only a compressed body is stored: it is valid only while the bill in it is."""
        volatile = VOLATILE_HEADERS if self.tells_life else VOLATILE_HEADERS - {b"cache-control"}
        self.status = start["status"]
        self.headers = [header for header in start["headers"] if header[0] not in volatile]
        if any(name == b"content-encoding" for name, _ in self.headers):
            self.encoded = b"".join(body)
        self.size = _size(request) + len(self.encoded or b"") + sum(map(sys.getsizeof, self.document or ()))

    def renew(self) -> bool:
        """Bring the bill up to date, and return whether the response can be replayed. Raises LedgerUnavailable."""
        figures = self.budget.allowance.tightest()
        if figures != self.figures:
            if self.encoded is not None:
                return False
            self.figures, self.extensions = figures, b""
        return True

    def parts(self) -> tuple[bytes, ...]:
        if self.status != status_codes.OK:
            return (b"",)
        if self.encoded is not None:
            return (self.encoded,)
        if not self.extensions:
            report = report_cached(self.budget, worth=self.response.worth, explains=self.explains)
            self.extensions = b"".join((MIDDLE, msgspec.json.encode(report), END))
        return BEGINNING, self.response.data, self.extensions

    def start(self, length: int, life: float, request_id: bytes) -> Message:
        headers = [*self.headers, (REQUEST_ID, request_id)]
        if self.tells_life:
            headers.append((b"cache-control", responses.cache_control(life).encode()))
        if self.figures is not None:
            headers.append((b"x-billing-remaining", b"%d" % self.figures.remaining))
        if self.status == status_codes.OK:
            headers.append((b"content-length", b"%d" % length))
        return {"type": "http.response.start", "status": self.status, "headers": headers}


def replayable(
    sent: ASGIApp,
    response: Response,
    params: GraphQLRequest,
    context: Context,
    operation: OperationCompleted,
    *,
    tells_life: bool,
) -> ASGIApp:
    """Return `sent`, which sends a cached response, with a first message that lets the request be answered again."""
    budget = context.fetcher.budget
    try:
        figures = budget.allowance.tightest()
    except LedgerUnavailable:
        return sent
    name = params.document_id or hash_in(params.extensions)
    document = None if name is None else (name, params.query or "")
    replay = ExactReplay(response, document, context.client, budget, context.explains, tells_life, figures, operation)

    async def send_with_replay(scope: Scope, receive: Receive, send: Send) -> None:
        async def mark(message: Message) -> None:
            await send({**message, REPLAY: replay} if message["type"] == "http.response.start" else message)

        await sent(scope, receive, mark)

    return send_with_replay


class ExactMatchCacheMiddleware:
    """ASGI middleware that answers a request again from the cache of responses."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        clients: Clients,
        stored: PersistedQueries,
        responses: Responses[ExactReplay],
        observer: ReplayObserver,
    ) -> None:
        self.app = app
        self.observer = observer
        self.clients = clients
        self.stored = stored
        self.responses = responses
        self._allows_anonymous = _identifies(clients, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = self.observer.now()
        ids: list[tuple[bytes, bytes]] = []
        terms = _terms(scope, ids)
        if terms is None or not self._is_identified(scope):
            await self.app(scope, receive, send)
            return
        messages = await _messages(receive)
        body = _body(messages)
        receive = _replayed(messages, receive)
        if body is None:
            await self.app(scope, receive, send)
            return
        key = terms, body
        replay = self.responses.find_replay(key)
        if replay is None or replay.observed is None or not self._is_current(replay):
            await self._record(key, scope, receive, send)
            return
        self.clients.note_use(replay.client)
        self.responses.replays += 1
        parts = replay.parts()
        length = sum(map(len, parts))
        request_id, trace = self.observer.correlation(ids) if ids else (self.observer.make_id(), None)
        life = self.responses.life(replay.response) if replay.tells_life else 0.0
        await send(replay.start(length, life, request_id))
        for part in parts[:-1] if length > COALESCE_BELOW_BYTES else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send(
            {"type": "http.response.body", "body": parts[-1] if length > COALESCE_BELOW_BYTES else b"".join(parts)}
        )
        self.observer.note(replay.observed, request_id, trace, began)

    def _is_identified(self, scope: Scope) -> bool:
        """Return whether the client is identified: only then is its body read."""
        return self._allows_anonymous or _identifies(self.clients, key_in(Headers(scope=scope)))

    async def _record(self, key: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request on the full path, and store its response if it can be replayed."""
        version = self._version()
        replay: ExactReplay | None = None
        sent: list[Message] = []

        async def record(message: Message) -> None:
            nonlocal replay
            replay = message.pop(REPLAY, replay)
            if replay is not None:
                sent.append(message)
            await send(message)

        await self.app(scope, receive, record)
        if replay is None or len(sent) == 1 or sent[-1].get("more_body"):
            return  # the client has disconnected before the end
        start, *parts = sent
        if {name for name, _ in start["headers"]} <= REPLAYABLE_HEADERS:
            replay.version = version
            replay.record(key, start, [part["body"] for part in parts])
            replay.observed = self.observer.observed(replay.operation)
            self.responses.keep_replay(key, replay)

    def _version(self) -> Version:
        return self.clients.version, self.stored.version

    def _is_current(self, replay: ExactReplay) -> bool:
        """Return whether the response may be replayed, and renew its bill.

        Clients and trusted documents must be unchanged: a document may be trusted no longer that the request contains.
        A document that the request names by its hash must be cached.
        """
        document = replay.document
        if replay.version != self._version() or (document and self.stored.find(document[0]) != document[1]):
            return False
        try:
            return replay.renew()
        except LedgerUnavailable:
            return False


def _identifies(clients: Clients, key: str | None) -> bool:
    try:
        clients.identify(key)
    except Unauthenticated:
        return False
    return True


def _terms(scope: Scope, ids: list[tuple[bytes, bytes]]) -> RequestTerms | None:
    """Return the key of a request without its body; None for a request that is never cached here.

    Headers that name the request or its trace are added to `ids`.
    """
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in METHODS:
        return None
    significant = []
    for header in scope["headers"]:
        name = header[0]
        if name in EXAMINED:
            if name in NAMING:
                ids.append(header)
            elif name == b"expect" or not (header[1].isdigit() and int(header[1][:9]) <= LONGEST):
                return None
        elif name not in HEADERS_NOT_IN_KEY:
            significant.append(header)
    return scope["method"], scope["query_string"], tuple(significant)


def _size(request: Request) -> int:
    """Return the bytes that the entry of `request` takes beside its document and its response."""
    (_, query, headers), body = request
    header_bytes = sum(EACH_HEADER + len(name) + len(value) for name, value in headers)
    return OVERHEAD + len(query) + len(body) + header_bytes


async def _messages(receive: Receive) -> list[Message]:
    """Return the messages of the request's body, up to slightly more than LONGEST bytes."""
    messages, size = [await receive()], 0
    while messages[-1].get("more_body") and (size := size + len(messages[-1]["body"])) <= LONGEST:
        messages.append(await receive())
    return messages


def _body(messages: list[Message]) -> bytes | None:
    """Return the whole body; None if it is incomplete or the client has disconnected."""
    last = messages[-1]
    if last["type"] != "http.request" or last.get("more_body"):
        return None
    return last.get("body", b"") if len(messages) == 1 else b"".join(message["body"] for message in messages)


def _replayed(messages: list[Message], receive: Receive) -> Receive:
    """Return `receive`, preceded by `messages`."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return receive_again
