"""How a stream of payloads is written over HTTP: as parts, as server-sent events, as a multipart subscription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.http.negotiation import EVENTS, MULTIPART, Streamed

PART_HEAD = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
# Where the client names none. Those of the protocols: some clients look for nothing else.
BOUNDARY, SUBSCRIPTION_BOUNDARY = "-", "graphql"


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """`frame` writes one JSON payload, `beat` keeps an idle connection alive; empty where nothing may be idle."""

    content_type: str
    opening: bytes
    frame: Callable[[bytes], bytes]
    beat: bytes
    end: bytes

    def whole(self, payload: bytes) -> bytes:
        """A stream of one payload."""
        return self.opening + self.frame(payload) + self.end


def incremental(streamed: Streamed) -> StreamFormat:
    """For the parts of an answer, whose form the content type names."""
    named = f"; {streamed.parameter}"
    return _events(named) if streamed.media == EVENTS else _parts(streamed.boundary or BOUNDARY, named)


def subscription(streamed: Streamed) -> StreamFormat:
    """For the events of a subscription."""
    return _events() if streamed.media == EVENTS else _payloads(streamed.boundary or SUBSCRIPTION_BOUNDARY)


def single(streamed: Streamed) -> StreamFormat:
    """For a single answer as the only part, which has no form of those of several."""
    return _events() if streamed.media == EVENTS else _parts(streamed.boundary or BOUNDARY)


def _part(boundary: str) -> Callable[[bytes], bytes]:
    # The boundary that ends a part goes out with it: until then a client cannot know that the part is whole.
    after = b"\r\n--" + boundary.encode("ascii")
    return lambda payload: PART_HEAD + payload + after


def _parts(boundary: str, named: str = "") -> StreamFormat:
    """The incremental delivery protocol."""
    opening = b"\r\n--" + boundary.encode("ascii")
    return StreamFormat(f'{MULTIPART}; boundary="{boundary}"{named}', opening, _part(boundary), beat=b"", end=b"--\r\n")


def _payloads(boundary: str) -> StreamFormat:
    """Apollo's protocol of subscriptions over multipart HTTP."""
    part = _part(boundary)
    return StreamFormat(
        f'{MULTIPART}; boundary="{boundary}"; subscriptionSpec="1.0"',
        b"\r\n--" + boundary.encode("ascii"),
        lambda payload: part(b'{"payload":' + payload + b"}"),
        beat=part(b"{}"),
        end=b"--\r\n",
    )


def _events(named: str = "") -> StreamFormat:
    """The distinct connections mode of "GraphQL over Server-Sent Events"."""
    # JSON holds no line breaks; CRLF loses events in clients.
    return StreamFormat(
        f"{EVENTS}; charset=utf-8{named}",
        b"",
        lambda payload: b"event: next\ndata: " + payload + b"\n\n",
        beat=b":\n\n",
        end=b"event: complete\ndata:\n\n",
    )
