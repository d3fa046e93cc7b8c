"""One HTTP exchange and its result. Failures are values: each states whether the request may have been charged."""

from __future__ import annotations

import asyncio
import enum
import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime

import httpx

from gateway.clock import Clock
from gateway.upstream.client import bodies

TOO_MANY = 429
# The transient client errors: Request Timeout, Too Early, Too Many Requests (RFC 9110, 8470, 6585).
NOT_NOW = frozenset({408, 425, TOO_MANY})
SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
# Seconds. No upstream limit lasts longer, so a longer Retry-After is a mistake.
LONGEST_WAIT = 86_400.0


class Failure(enum.Enum):
    """The reason why there is no complete response."""

    REFUSED = "the breaker is open: nothing was sent"
    SHED = "its turn would come after the deadline: nothing was sent"
    QUEUED = "the deadline came before its turn, or nobody waited any more: nothing was sent"
    UNREACHED = "no connection, or it ended before any byte of an answer"
    SILENT = "sent, and no whole answer came in time"
    BROKEN = "an answer began, and was no HTTP or broke off"
    OVERSIZED = "an answer began, and was larger than any that is read"


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of one request. With a failure `body` is empty, and `status` is set only if the head had arrived.

    `retry_after` is in seconds, as the upstream, the breaker or the queue named it. `seconds` is the time on the wire.
    """

    status: int | None = None
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    body: bytes = b""
    failure: Failure | None = None
    retry_after: float | None = None
    seconds: float = 0.0

    @property
    def was_sent(self) -> bool:
        return self.failure not in (Failure.REFUSED, Failure.SHED, Failure.QUEUED)

    @property
    def is_transient(self) -> bool:
        """True if a retry is free and may succeed."""
        return self.failure is Failure.UNREACHED or self.is_trouble

    @property
    def is_trouble(self) -> bool:
        """True if the status means that the upstream serves no request now. None of these statuses is charged."""
        return self.status is not None and (self.status in NOT_NOW or 500 <= self.status <= 599)


async def exchange(
    transport: httpx.AsyncBaseTransport,
    request: httpx.Request,
    place: bodies.LargeBodySlot,
    *,
    deadline: float,
    clock: Clock,
) -> Reply:
    """Send `request` and return its result. Raises only CancelledError.

    `deadline` is in the clock's monotonic time; the caller releases `place`. The transport is used directly rather than
    through `httpx.AsyncClient`, which would add cookies, redirects and a log line with the URL to each request.
    """
    began = clock.monotonic()
    response: httpx.Response | None = None
    body, failure = b"", None
    try:
        async with asyncio.timeout(deadline - began):
            response = await transport.handle_async_request(request)
            body = await _whole_body(response, place)
    except Exception as exc:
        # A transport is third-party code: any exception means that there is no complete response.
        failure = _failure(exc, answered=response is not None)
    seconds = clock.monotonic() - began
    if response is None:
        return Reply(failure=failure, seconds=seconds)
    retry_after = seconds_until(response.headers.get("retry-after"), clock.now())
    return Reply(response.status_code, response.headers, body, failure, retry_after, seconds)


async def _whole_body(response: httpx.Response, place: bodies.LargeBodySlot) -> bytes:
    try:
        return await bodies.received(response, place)
    finally:
        await response.aclose()


def _failure(exc: Exception, *, answered: bool) -> Failure:
    match exc:
        case httpx.ReadTimeout() | httpx.WriteTimeout() | TimeoutError():
            return Failure.SILENT
        case httpx.TransportError() | OSError() if not answered:
            return Failure.UNREACHED
        case bodies.TooLarge():
            return Failure.OVERSIZED
        case _:
            return Failure.BROKEN


def seconds_until(retry_after: str | None, now: float) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110): a number of seconds or a date. `now` is Unix time.

    At most LONGEST_WAIT; None for an invalid header.
    """
    if retry_after is None:
        return None
    text = retry_after.strip()
    if SECONDS.fullmatch(text):
        return min(LONGEST_WAIT, float(text))
    try:
        date = parsedate_to_datetime(text)
        moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # OverflowError: a time zone of a million years
        return None
    return min(LONGEST_WAIT, max(0.0, moment - now))
