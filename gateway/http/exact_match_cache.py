"""The exact-match response cache: replays a cached response to a byte-identical request, with up-to-date billing.

It runs before all routes. The first repetition of a request takes the full path, which records the status and headers
as sent, the client, the document and the billing options. Later repetitions skip parsing and content negotiation.
Everything that can change between two requests is checked each time: clients and their rights, persisted documents,
the entries behind the response, the allowance. Any other request takes the full path; only that path refuses requests.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass
from typing import Self, TypeAlias

import msgspec
from cachetools import LRUCache
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.billing.budget import OperationBudget, WindowFigures
from gateway.cache.response_cache import Response
from gateway.clients import Client, Clients
from gateway.clients.table import Version
from gateway.errors import LedgerUnavailable, Unauthenticated
from gateway.http import responses, status_codes
from gateway.http.request_options import key_in
from gateway.http.request_parsing import GraphQLRequest
from gateway.operations.billing import report_cached
from gateway.operations.persisted_queries import PersistedQueries, hash_in
from gateway.operations.response_cache import ResponseCache

PATH = "/graphql"
METHODS = ("POST", "GET")
RECORDER_SCOPE_KEY = "highlights.lesson"
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
# Recomputed for each replay. A response with a header that is not replayable depends on data unknown to this module.
VOLATILE_HEADERS = frozenset({b"content-length", b"cache-control", b"x-billing-remaining"})
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


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """A persisted document and its id or hash. The id may refer to another document later, or to none."""

    name: str
    text: str

    @classmethod
    def of(cls, params: GraphQLRequest) -> Self | None:
        """Return the document of a request by id or hash; None if the text was sent. Raises InvalidRequest."""
        name = params.document_id or hash_in(params.extensions)
        return None if name is None else cls(name, params.query or "")

    @property
    def size(self) -> int:
        return sys.getsizeof(self.name) + sys.getsizeof(self.text)


@dataclass(frozen=True, slots=True)
class BillingContext:
    """The client, its budget, and whether the bill is itemised (`explains`)."""

    client: Client
    budget: OperationBudget
    explains: bool

    def figures(self) -> WindowFigures | None:
        """Return the figures of the tightest allowance window. Raises LedgerUnavailable."""
        return self.budget.allowance.tightest()

    def extensions(self, worth: int) -> bytes:
        """Return the JSON after the data of a cached response. `worth` is its cost with an empty cache."""
        report = report_cached(self.budget, worth=worth, explains=self.explains)
        return b"".join((MIDDLE, msgspec.json.encode(report), END))


@dataclass(frozen=True, slots=True)
class CacheCandidate:
    """A response served from the response cache, with everything that its validity depends on.

    The response itself stays in the response cache under `key`, so it is referenced weakly. `tells_life`: the headers
    include `cache-control` with the remaining lifetime.
    """

    key: bytes
    document: NamedDocument | None
    spending: BillingContext
    response: weakref.ref[Response]
    tells_life: bool
    figures: WindowFigures | None
    extensions: bytes

    @classmethod
    def of(
        cls, key: bytes, params: GraphQLRequest, spending: BillingContext, response: Response, *, tells_life: bool
    ) -> Self:
        """Return the candidate for `response`. Raises LedgerUnavailable."""
        figures, extensions = spending.figures(), spending.extensions(response.worth)
        return cls(key, NamedDocument.of(params), spending, weakref.ref(response), tells_life, figures, extensions)


class ResponseRecorder:
    """A recorder of one request on the full path: the messages sent, and the `CacheCandidate` set by the handler."""

    def __init__(self, send: Send) -> None:
        self.repeat: CacheCandidate | None = None
        self.start: Message | None = None
        self.encoded: list[bytes] | None = None
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.start = message
            is_encoded = any(name == b"content-encoding" for name, _ in message["headers"])
            self.encoded = [] if self.repeat is not None and is_encoded else None
        elif self.encoded is not None:
            self.encoded.append(message["body"])
        await self._send(message)


class CachedResponse:
    """A recorded response of one request.

    A compressed body is stored as sent, so it is valid only while the bill in it is. `size` includes the request.
    """

    def __init__(
        self, repeat: CacheCandidate, request: Request, start: Message, encoded: bytes | None, *, version: Version
    ) -> None:
        self.repeat = repeat
        self.encoded = encoded
        self.size = _size(request) + len(encoded or b"") + (repeat.document.size if repeat.document else 0)
        self.version = version
        self.status: int = start["status"]
        self.headers = [(name, value) for name, value in start["headers"] if name not in VOLATILE_HEADERS]
        if not repeat.tells_life:
            self.headers += [(name, value) for name, value in start["headers"] if name == b"cache-control"]
        self.figures = repeat.figures
        self.extensions = repeat.extensions

    def take(self, figures: WindowFigures | None, worth: int) -> bool:
        """Refresh the bill, and return whether the response can be replayed. An unchanged bill is not encoded again."""
        if figures == self.figures:
            return True
        if self.encoded is not None:
            return False
        self.figures, self.extensions = figures, self.repeat.spending.extensions(worth)
        return True

    def parts(self, response: Response) -> tuple[bytes, ...]:
        if self.status != status_codes.OK:
            return (b"",)
        return (BEGINNING, response.data, self.extensions) if self.encoded is None else (self.encoded,)

    def start(self, length: int, life: float) -> Message:
        headers = self.headers.copy()
        if self.repeat.tells_life:
            headers.append((b"cache-control", responses.cache_control(life).encode()))
        if self.figures is not None:
            headers.append((b"x-billing-remaining", b"%d" % self.figures.remaining))
        if self.status == status_codes.OK:
            headers.append((b"content-length", b"%d" % length))
        return {"type": "http.response.start", "status": self.status, "headers": headers}


class ExactMatchCacheMiddleware:
    """ASGI middleware with the exact-match cache, which takes at most `max_bytes`."""

    def __init__(
        self, app: ASGIApp, *, clients: Clients, stored: PersistedQueries, kept: ResponseCache, max_bytes: int
    ) -> None:
        self.app = app
        self.clients = clients
        self.stored = stored
        self.kept = kept
        self._allows_anonymous = _identifies(clients, None)
        self._entries: LRUCache[Request, CachedResponse] = LRUCache(max_bytes, getsizeof=lambda cached: cached.size)

    @property
    def size(self) -> int:
        return int(self._entries.currsize)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        terms = _terms(scope)
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
        cached = self._entries.get(key)
        response = None if cached is None else self._response(cached)
        if cached is None or response is None:
            await self._record(key, scope, receive, send)
            return
        parts = cached.parts(response)
        length = sum(map(len, parts))
        await send(cached.start(length, self.kept.life(response) if cached.repeat.tells_life else 0.0))
        for part in parts[:-1] if length > COALESCE_BELOW_BYTES else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send(
            {"type": "http.response.body", "body": parts[-1] if length > COALESCE_BELOW_BYTES else b"".join(parts)}
        )

    def _is_identified(self, scope: Scope) -> bool:
        """Return whether the client is identified: only then is its body read."""
        return self._allows_anonymous or _identifies(self.clients, key_in(Headers(scope=scope)))

    async def _record(self, key: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request on the full path, and store its response if it can be replayed."""
        recorder = ResponseRecorder(send)
        version = self.clients.version
        # In a copy: in the server's own scope it would form a reference cycle: `send` holds the server's request.
        await self.app({**scope, RECORDER_SCOPE_KEY: recorder}, receive, recorder.send)
        repeat, start = recorder.repeat, recorder.start
        if repeat is None or start is None or not {name for name, _ in start["headers"]} <= REPLAYABLE_HEADERS:
            return
        encoded = None if recorder.encoded is None else b"".join(recorder.encoded)
        cached = CachedResponse(repeat, key, start, encoded, version=version)
        self._entries.pop(key, None)
        if cached.size <= self._entries.maxsize:
            self._entries[key] = cached

    def _response(self, cached: CachedResponse) -> Response | None:
        """Return the response if it is still current, billable and in the response cache; else None."""
        response = self.kept.find(cached.repeat.key) if self._is_current(cached) else None
        if response is None or response is not cached.repeat.response():
            return None
        try:
            figures = cached.repeat.spending.figures()
        except LedgerUnavailable:
            return None
        if not cached.take(figures, response.worth):
            return None
        self.clients.note_use(cached.repeat.spending.client)
        return response

    def _is_current(self, cached: CachedResponse) -> bool:
        """Return whether the clients and, for a persisted document, its text are unchanged."""
        document = cached.repeat.document
        is_same = document is None or self.stored.find(document.name) == document.text
        return is_same and cached.version == self.clients.version


def _identifies(clients: Clients, key: str | None) -> bool:
    try:
        clients.identify(key)
    except Unauthenticated:
        return False
    return True


def _terms(scope: Scope) -> RequestTerms | None:
    """Return the key of a request without its body; None for a request that is never cached here."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in METHODS:
        return None
    significant = []
    for header in scope["headers"]:
        name, value = header
        if name == b"expect" or (name == b"content-length" and not (value.isdigit() and int(value[:9]) <= LONGEST)):
            return None
        if name not in HEADERS_NOT_IN_KEY:
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
