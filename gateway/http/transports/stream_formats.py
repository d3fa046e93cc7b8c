"""The stream formats of HTTP: incremental multipart, server-sent events, and multipart subscriptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from gateway.errors import GatewayError, ServiceStopping
from gateway.http.negotiation import EVENTS, MULTIPART, Streamed

PART_HEAD = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n"
# The boundaries if the client names none. The protocols' own: some clients recognise no other.
BOUNDARY, SUBSCRIPTION_BOUNDARY = "-", "graphql"
CLOSING = b"--\r\n"
STOPPING = ServiceStopping("The gateway is stopping: subscribe again.", retryAfter=1.0)


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """The bytes of a stream. `frame` wraps a JSON payload; `beat` is the heartbeat, empty if the format has none.

    `end` follows the last payload; `cut_off` ends a stream with more to come, which the client should open again.
    """

    content_type: str
    opening: bytes
    frame: Callable[[bytes], bytes]
    beat: bytes
    end: bytes
    cut_off: bytes

    def whole(self, payload: bytes) -> bytes:
        """Return a whole stream with one payload."""
        return self.opening + self.frame(payload) + self.end


def incremental(streamed: Streamed) -> StreamFormat:
    """Return the format for incremental delivery; the content type names its version."""
    named = f"; {streamed.parameter}"
    return _events(named) if streamed.media == EVENTS else _parts(streamed.boundary or BOUNDARY, named)


def subscription(streamed: Streamed) -> StreamFormat:
    """Return the format for a subscription."""
    return _events() if streamed.media == EVENTS else _payloads(streamed.boundary or SUBSCRIPTION_BOUNDARY)


def single(streamed: Streamed) -> StreamFormat:
    """Return the format for a single response as the only part, without a version of incremental delivery."""
    return _events() if streamed.media == EVENTS else _parts(streamed.boundary or BOUNDARY)


def _part(boundary: str) -> Callable[[bytes], bytes]:
    # Each part is sent with the boundary that ends it: without that a client cannot know that the part is complete.
    after = b"\r\n--" + boundary.encode("ascii")
    return lambda payload: PART_HEAD + payload + after


def _parts(boundary: str, named: str = "") -> StreamFormat:
    """Return the format of incremental delivery over multipart HTTP."""
    opening = b"\r\n--" + boundary.encode("ascii")
    content_type = f'{MULTIPART}; boundary="{boundary}"{named}'
    return StreamFormat(content_type, opening, _part(boundary), beat=b"", end=CLOSING, cut_off=CLOSING)


def _payloads(boundary: str) -> StreamFormat:
    """Return the format of Apollo's subscriptions over multipart HTTP."""
    part = _part(boundary)
    return StreamFormat(
        f'{MULTIPART}; boundary="{boundary}"; subscriptionSpec="1.0"',
        b"\r\n--" + boundary.encode("ascii"),
        lambda payload: part(b'{"payload":' + payload + b"}"),
        beat=part(b"{}"),
        end=CLOSING,
        # The protocol's form of an error of the transport, which ends the subscription.
        cut_off=part(b'{"payload":null,"errors":[%s]}' % _error(STOPPING)) + CLOSING,
    )


def _error(problem: GatewayError) -> bytes:
    return msgspec.json.encode({"message": problem.message, "extensions": problem.extensions})


def _events(named: str = "") -> StreamFormat:
    """Return the format of "GraphQL over Server-Sent Events" in distinct connections mode."""
    # Encoded JSON has no line breaks. Some clients lose events with CRLF.
    return StreamFormat(
        f"{EVENTS}; charset=utf-8{named}",
        b"",
        lambda payload: b"event: next\ndata: " + payload + b"\n\n",
        beat=b":\n\n",
        end=b"event: complete\ndata:\n\n",
        # Without `complete` clients subscribe again, after `retry` milliseconds if they follow the living standard.
        cut_off=b": the gateway is stopping\nretry: 1000\n\n",
    )
