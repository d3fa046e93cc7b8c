"""Idempotency keys: a repeated request with the same key gets the first response again, for a day."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from gateway.clock import Clock
from gateway.sandbox.publishing.containers import DAY
from gateway.sandbox.publishing.problems import KEY_REUSED, MALFORMED, WriteError
from gateway.sandbox.replies import Reply


class _Kept(NamedTuple):
    until: float
    fingerprint: str
    reply: Reply


class Keys:
    """The keys, per account. Only successes are stored: a rejected request may be corrected under its key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.clear()

    def clear(self) -> None:
        self._kept: OrderedDict[tuple[int, str], _Kept] = OrderedDict()

    def answer(self, account: int, key: str | None, fingerprint: str, work: Callable[[], Reply]) -> Reply:
        """Return the stored response, or that of `work`. Raises WriteError for a reused key, or by `work`."""
        if key is None:
            return work()
        _check(key)
        self._forget_old()
        if kept := self._kept.get((account, key)):
            if kept.fingerprint != fingerprint:
                raise WriteError(KEY_REUSED)
            return kept.reply
        reply = work()
        self._kept[account, key] = _Kept(self._clock.now() + DAY, fingerprint, reply)
        return reply

    def _forget_old(self) -> None:
        while self._kept and next(iter(self._kept.values())).until <= self._clock.now():
            self._kept.popitem(last=False)


def _check(key: str) -> None:
    try:
        uuid.UUID(key)
    except ValueError as exc:
        raise WriteError(MALFORMED, "Idempotency-Key must be a UUID") from exc
