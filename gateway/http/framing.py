"""How a stream of payloads is written over HTTP: as parts, as server-sent events, as a multipart subscription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.http.negotiation import EVENTS as EVENT_STREAM
from gateway.http.negotiation import MULTIPART

PART_HEAD = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Framing:
    """`frame` writes one JSON payload, `beat` keeps an idle connection alive; empty where nothing may be idle."""

    content_type: str
    opening: bytes
    frame: Callable[[bytes], bytes]
    beat: bytes
    end: bytes

    def whole(self, payload: bytes) -> bytes:
        """A stream of one payload."""
        return self.opening + self.frame(payload) + self.end


def _part(boundary: bytes) -> Callable[[bytes], bytes]:
    # The boundary that ends a part goes out with it: until then a client cannot know that the part is whole.
    return lambda payload: PART_HEAD + payload + b"\r\n--" + boundary


def _in_payload(part: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    return lambda payload: part(b'{"payload":' + payload + b"}")


# The incremental delivery protocol fixes the boundary: some clients look for nothing else.
PARTS = Framing(f'{MULTIPART}; boundary="-"', b"\r\n---", _part(b"-"), beat=b"", end=b"--\r\n")

# Apollo's protocol of subscriptions over multipart HTTP.
SUBSCRIPTION = Framing(
    f'{MULTIPART}; boundary="graphql"; subscriptionSpec="1.0"',
    b"\r\n--graphql",
    _in_payload(_part(b"graphql")),
    beat=_part(b"graphql")(b"{}"),
    end=b"--\r\n",
)

# "GraphQL over Server-Sent Events", distinct connections mode. JSON holds no line breaks; CRLF loses events in clients.
EVENTS = Framing(
    f"{EVENT_STREAM}; charset=utf-8",
    b"",
    lambda payload: b"event: next\ndata: " + payload + b"\n\n",
    beat=b":\n\n",
    end=b"event: complete\ndata:\n\n",
)
