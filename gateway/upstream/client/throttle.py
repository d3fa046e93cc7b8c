"""A throttle that slows down requests by the upstream's usage headers before its limits are reached."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from gateway.clock import Clock
from gateway.upstream.client.exchange import LONGEST_WAIT
from gateway.upstream.client.token_bucket import TokenBucket

T = TypeVar("T")

# The usage in percent of a limit from which requests are slowed down in proportion to the rest.
FROM = 75.0
# The share of the ordinary rate at the limit: some requests must pass, because their responses report the usage.
SLOWEST = 0.05
SPENT = 100.0
# Seconds that usage figures are valid. Limits cover the past hour or day; after this, one request updates the figures.
BELIEVED = 3_600.0


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Usage in percent of each limit. `estimated_time_to_regain_access` is in minutes."""

    call_count: float = 0.0
    total_time: float = 0.0
    total_cputime: float = 0.0
    estimated_time_to_regain_access: float = 0.0

    @property
    def most(self) -> float:
        return max(self.call_count, self.total_time, self.total_cputime)


OF_APP = msgspec.json.Decoder(Usage)
OF_ACCOUNTS = msgspec.json.Decoder(dict[str, tuple[Usage, ...]])
NONE: Mapping[str, tuple[Usage, ...]] = {}


def retry_after_from_usage(headers: httpx.Headers) -> float | None:
    """Return the seconds until access is restored, at most LONGEST_WAIT; None if access is not suspended."""
    minutes = max((usage.estimated_time_to_regain_access for usage in _usages(headers)), default=0.0)
    return min(LONGEST_WAIT, minutes * 60) if minutes > 0 else None


class Throttle:
    """A throttle of all requests, and of single accounts until the time that the upstream named.

    An account is suspended for at most BELIEVED seconds: one wrong header must not last until a restart.
    """

    def __init__(self, bucket: TokenBucket, clock: Clock) -> None:
        self._bucket = bucket
        self._ordinary = bucket.rate
        self._clock = clock
        self._suspended_until: dict[str, float] = {}
        self._reported_at = clock.monotonic()

    def hear(self, account: str, headers: httpx.Headers) -> None:
        """Apply the headers of a response; the latest ones count. `account` is the one that the request was for."""
        usages, now = _usages(headers), self._clock.monotonic()
        if usages:
            self._reported_at = now
            self._adapt(max(usage.most for usage in usages))
        elif now - self._reported_at > BELIEVED:
            self._adapt(0.0)
        if (seconds := retry_after_from_usage(headers)) is not None:
            self.close(account, seconds)

    def close(self, account: str, seconds: float) -> None:
        self._suspended_until[account] = self._clock.monotonic() + min(BELIEVED, seconds)

    def closed(self, account: str) -> float | None:
        """Return the seconds until requests for the account may be sent; None if they may be sent now."""
        left = self._suspended_until.get(account, 0.0) - self._clock.monotonic()
        if left > 0:
            return left
        self._suspended_until.pop(account, None)
        return None

    def _adapt(self, percent: float) -> None:
        left = (SPENT - percent) / (SPENT - FROM)
        rate = self._ordinary * min(1.0, max(SLOWEST, left))
        if rate != self._bucket.rate:
            self._bucket.change(rate)


def _usages(headers: httpx.Headers) -> list[Usage]:
    of_accounts = _read(OF_ACCOUNTS, headers.get("x-business-use-case-usage")) or NONE
    of_app = _read(OF_APP, headers.get("x-app-usage"))
    return [*([of_app] if of_app else []), *(usage for usages in of_accounts.values() for usage in usages)]


def _read(decoder: msgspec.json.Decoder[T], text: str | None) -> T | None:
    """Decode a usage header; None if it is invalid, because usage is advisory and not part of the response."""
    try:
        return None if text is None else decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
