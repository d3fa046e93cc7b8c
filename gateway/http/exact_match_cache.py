"""Requests that were answered before: the same bytes come in, the kept answer goes out, with the bill of now.

Stands before all routes. The first repetition of a request goes the long way, and what was said of it there is noted:
status and headers as they were sent, who asked what, and on which terms. From then on the request is neither parsed
nor negotiated again. What can change between two requests is asked anew each time: the clients, the stored documents,
the client's rights, the answer's entries, the allowance. Whatever does not fit goes the long way, which alone refuses.
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
# Read by nothing behind this door, so they make no other request. All other headers do. The host is read before it.
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
# Those that are made anew. An answer with a header beside these was not made of what is known here.
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
# Bytes of each beside what its sender decides, and of each header beside its name and value: measured.
OVERHEAD = 3_000
EACH_HEADER = 150
# Beyond this many bytes one message after the other is cheaper than joining them.
COALESCE_BELOW_BYTES = 64_000
BEGINNING, MIDDLE, END = b'{"data":', b',"extensions":', b"}"

RequestTerms: TypeAlias = tuple[str, bytes, tuple[tuple[bytes, bytes], ...]]
Request: TypeAlias = tuple[RequestTerms, bytes]


@dataclass(frozen=True, slots=True)
class Named:
    """A document that its name stood for: another one may tomorrow, or none."""

    name: str
    text: str

    @classmethod
    def of(cls, asked: GraphQLRequest) -> Self | None:
        """None where the document itself was sent. Raises InvalidRequest."""
        name = asked.document_id or hash_in(asked.extensions)
        return None if name is None else cls(name, asked.query or "")

    @property
    def size(self) -> int:
        return sys.getsizeof(self.name) + sys.getsizeof(self.text)


@dataclass(frozen=True, slots=True)
class BillingContext:
    """Who asks, what may be spent, and whether the bill is to be itemised."""

    client: Client
    purse: OperationBudget
    explains: bool

    def figures(self) -> WindowFigures | None:
        """Raises LedgerUnavailable."""
        return self.purse.allowance.tightest()

    def extensions(self, worth: int) -> bytes:
        """What stands behind the data of an answer that cost nothing now and is worth so much."""
        report = report_cached(self.purse, worth=worth, explains=self.explains)
        return b"".join((MIDDLE, msgspec.json.encode(report), END))


@dataclass(frozen=True, slots=True)
class CacheCandidate:
    """An answer that was given from those kept, and what decided that it could be.

    The answer itself is for `Responses` to keep or to let go, by `key`. `tells_life`: its headers say how long it is
    good.
    """

    key: bytes
    document: Named | None
    spending: BillingContext
    response: weakref.ref[Response]
    tells_life: bool
    figures: WindowFigures | None
    extensions: bytes

    @classmethod
    def of(
        cls, key: bytes, asked: GraphQLRequest, spending: BillingContext, response: Response, *, tells_life: bool
    ) -> Self:
        """Raises LedgerUnavailable."""
        figures, extensions = spending.figures(), spending.extensions(response.worth)
        return cls(key, Named.of(asked), spending, weakref.ref(response), tells_life, figures, extensions)


class ResponseRecorder:
    """One request on the long way: what is sent, and the `CacheCandidate` that the answer turns out to be."""

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
    """What was said to a request, to be said again.

    A compressed body is kept as it was sent, and good for as long as the bill in it is. `size` counts the request, too.
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
        """Whether it can be said with the bill of now, which is encoded once for as long as it stays the same."""
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
    """ASGI middleware. What it remembers takes at most `max_bytes`."""

    def __init__(
        self, app: ASGIApp, *, clients: Clients, stored: PersistedQueries, kept: ResponseCache, max_bytes: int
    ) -> None:
        self.app = app
        self.clients = clients
        self.stored = stored
        self.kept = kept
        self._is_open = _identifies(clients, None)
        self._said: LRUCache[Request, CachedResponse] = LRUCache(max_bytes, getsizeof=lambda said: said.size)

    @property
    def size(self) -> int:
        return int(self._said.currsize)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        terms = _terms(scope)
        if terms is None or not self._is_known(scope):
            await self.app(scope, receive, send)
            return
        messages = await _messages(receive)
        body = _body(messages)
        receive = _after(messages, receive)
        if body is None:
            await self.app(scope, receive, send)
            return
        key = terms, body
        said = self._said.get(key)
        response = None if said is None else self._response(said)
        if said is None or response is None:
            await self._learn(key, scope, receive, send)
            return
        parts = said.parts(response)
        length = sum(map(len, parts))
        await send(said.start(length, self.kept.life(response) if said.repeat.tells_life else 0.0))
        for part in parts[:-1] if length > COALESCE_BELOW_BYTES else ():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send(
            {"type": "http.response.body", "body": parts[-1] if length > COALESCE_BELOW_BYTES else b"".join(parts)}
        )

    def _is_known(self, scope: Scope) -> bool:
        """Whether there is a client, whose body may be waited for."""
        return self._is_open or _identifies(self.clients, key_in(Headers(scope=scope)))

    async def _learn(self, key: Request, scope: Scope, receive: Receive, send: Send) -> None:
        """The long way, and what can be said again of it."""
        lesson = ResponseRecorder(send)
        version = self.clients.version
        # In a copy: in the server's own scope it would close a cycle by `send`, which holds the server's request.
        await self.app({**scope, RECORDER_SCOPE_KEY: lesson}, receive, lesson.send)
        repeat, start = lesson.repeat, lesson.start
        if repeat is None or start is None or not {name for name, _ in start["headers"]} <= REPLAYABLE_HEADERS:
            return
        encoded = None if lesson.encoded is None else b"".join(lesson.encoded)
        said = CachedResponse(repeat, key, start, encoded, version=version)
        self._said.pop(key, None)
        if said.size <= self._said.maxsize:
            self._said[key] = said

    def _response(self, said: CachedResponse) -> Response | None:
        """The answer that was given, if all that made it so is as it was."""
        response = self.kept.find(said.repeat.key) if self._is_current(said) else None
        if response is None or response is not said.repeat.response():
            return None
        try:
            figures = said.repeat.spending.figures()
        except LedgerUnavailable:
            return None
        if not said.take(figures, response.worth):
            return None
        self.clients.note_use(said.repeat.spending.client)
        return response

    def _is_current(self, said: CachedResponse) -> bool:
        """Whether the request asks for the same as it did: the same for ever, unless it names its document."""
        document = said.repeat.document
        is_same = document is None or self.stored.find(document.name) == document.text
        return is_same and said.version == self.clients.version


def _identifies(clients: Clients, key: str | None) -> bool:
    try:
        clients.identify(key)
    except Unauthenticated:
        return False
    return True


def _terms(scope: Scope) -> RequestTerms | None:
    """All of a request but its body; None for what is never answered from here."""
    if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in METHODS:
        return None
    telling = []
    for header in scope["headers"]:
        name, value = header
        if name == b"expect" or (name == b"content-length" and not (value.isdigit() and int(value[:9]) <= LONGEST)):
            return None
        if name not in HEADERS_NOT_IN_KEY:
            telling.append(header)
    return scope["method"], scope["query_string"], tuple(telling)


def _size(request: Request) -> int:
    """In bytes, with all that is remembered of it beside its document and its answer."""
    (_, query, headers), body = request
    told = sum(EACH_HEADER + len(name) + len(value) for name, value in headers)
    return OVERHEAD + len(query) + len(body) + told


async def _messages(receive: Receive) -> list[Message]:
    """The request's body as it came, up to a little more than LONGEST."""
    messages, size = [await receive()], 0
    while messages[-1].get("more_body") and (size := size + len(messages[-1]["body"])) <= LONGEST:
        messages.append(await receive())
    return messages


def _body(messages: list[Message]) -> bytes | None:
    """None if there is more of it, or nobody who waits for an answer."""
    last = messages[-1]
    if last["type"] != "http.request" or last.get("more_body"):
        return None
    return last.get("body", b"") if len(messages) == 1 else b"".join(message["body"] for message in messages)


def _after(messages: list[Message], receive: Receive) -> Receive:
    """`receive`, with `messages` before all others."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        message = next(waiting, None)
        return await receive() if message is None else message

    return receive_again
