"""The inbox of webhooks in memory and in the time of the test's clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.clock import Clock
from gateway.webhooks.body_erasure import mentions, without_accounts
from gateway.webhooks.inbox import CLAIM_SECONDS, MOST_CLAIMS, REMEMBERED, InboxUnavailable, StoredBody, digest_of


@dataclass
class Lying:
    """A body on the imagined disk; None once it was processed."""

    body: bytes | None
    received_at: float
    claimed_until: float
    claims: int = 0


class VolatileInbox:
    """`Inbox` for tests. `reachable = False` stands for a store that is gone."""

    def __init__(self, clock: Clock) -> None:
        self.reachable = True
        self._clock = clock
        self._bodies: dict[bytes, Lying] = {}

    async def put(self, body: bytes) -> bool:
        self._reach()
        now, digest = self._clock.now(), digest_of(body)
        if digest in self._bodies:
            return False
        self._bodies[digest] = Lying(body, now, now)
        return True

    async def claim(self, most: int) -> list[StoredBody]:
        self._reach()
        now, claimed = self._clock.now(), list[StoredBody]()
        for digest, lying in self._bodies.items():
            if lying.body is not None and lying.claimed_until <= now and lying.claims < MOST_CLAIMS:
                lying.claimed_until, lying.claims = now + CLAIM_SECONDS, lying.claims + 1
                claimed.append(StoredBody(digest, lying.body, lying.received_at))
            if len(claimed) == most:
                break
        return claimed

    async def finish(self, digest: bytes, *, remembers: bool) -> None:
        self._reach()
        if remembers:
            self._bodies[digest].body = None
        else:
            del self._bodies[digest]

    async def tidy(self) -> int:
        self._reach()
        now = self._clock.now()
        ended = {
            digest: lying
            for digest, lying in self._bodies.items()
            if lying.received_at + REMEMBERED <= now
            or (lying.body is not None and lying.claims >= MOST_CLAIMS and lying.claimed_until <= now)
        }
        for digest in ended:
            del self._bodies[digest]
        return sum(lying.body is not None for lying in ended.values())

    async def erase(self, ids: Sequence[str]) -> int:
        self._reach()
        named = [lying for lying in self._bodies.values() if lying.body is not None and mentions(lying.body, ids)]
        for lying in named:
            lying.body = None if lying.body is None else without_accounts(lying.body, ids)
        return len(named)

    async def aclose(self) -> None:
        pass

    def _reach(self) -> None:
        if not self.reachable:
            raise InboxUnavailable("away")
