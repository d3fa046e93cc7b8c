"""How much of its limits the upstream says is used, heeded before the wall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import httpx
import msgspec

from gateway.clock import Clock
from gateway.upstream.client.exchange import LONGEST_WAIT
from gateway.upstream.client.rate_limiter import RateLimiter

T = TypeVar("T")

# From this share of a limit on, in percent, we slow down in proportion to what is left.
FROM = 75.0
# Of the ordinary rate, at the wall: something must still pass, or nobody would learn that it is over.
SLOWEST = 0.05
SPENT = 100.0
# Seconds. Limits are counted over the past hour or day: what was said an hour ago is asked again, by one request.
BELIEVED = 3_600.0


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Percents of a limit. `estimated_time_to_regain_access` is in minutes."""

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
    """Seconds until access is given again, where the upstream says that it is not given now; at most LONGEST_WAIT."""
    minutes = max((usage.estimated_time_to_regain_access for usage in _usages(headers)), default=0.0)
    return min(LONGEST_WAIT, minutes * 60) if minutes > 0 else None


class Throttle:
    """Slows the line down, and closes it for an account that was told when to come back, for at most BELIEVED seconds:
    one odd header must not hold until a restart."""

    def __init__(self, limiter: RateLimiter, clock: Clock) -> None:
        self._limiter = limiter
        self._ordinary = limiter.rate
        self._clock = clock
        self._closed: dict[str, float] = {}
        self._told_at = clock.monotonic()

    def hear(self, account: str, headers: httpx.Headers) -> None:
        """Any answer's headers: the latest one speaks. `account` is whom it was sent for."""
        usages, now = _usages(headers), self._clock.monotonic()
        if usages:
            self._told_at = now
            self._adapt(max(usage.most for usage in usages))
        elif now - self._told_at > BELIEVED:
            self._adapt(0.0)
        if (seconds := retry_after_from_usage(headers)) is not None:
            self.close(account, seconds)

    def close(self, account: str, seconds: float) -> None:
        self._closed[account] = self._clock.monotonic() + min(BELIEVED, seconds)

    def closed(self, account: str) -> float | None:
        """Seconds until the account may be asked for again; None if it may be now."""
        left = self._closed.get(account, 0.0) - self._clock.monotonic()
        if left > 0:
            return left
        self._closed.pop(account, None)
        return None

    def _adapt(self, percent: float) -> None:
        left = (SPENT - percent) / (SPENT - FROM)
        rate = self._ordinary * min(1.0, max(SLOWEST, left))
        if rate != self._limiter.rate:
            self._limiter.change(rate)


def _usages(headers: httpx.Headers) -> list[Usage]:
    of_accounts = _read(OF_ACCOUNTS, headers.get("x-business-use-case-usage")) or NONE
    of_app = _read(OF_APP, headers.get("x-app-usage"))
    return [*([of_app] if of_app else []), *(usage for usages in of_accounts.values() for usage in usages)]


def _read(decoder: msgspec.json.Decoder[T], text: str | None) -> T | None:
    """What cannot be read says nothing: it is advice, and no part of the answer."""
    try:
        return None if text is None else decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
