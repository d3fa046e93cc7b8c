"""The port of the inbox: signed bodies are stored before they are answered, and processed at least once.

A body may be processed twice: by a process that was killed after the work and before it noted that, or by two of them
if the first is slower than its claim. All that follows from a webhook must bear that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

# By the contract the platform posts an event again for 36 hours. Its clock may be ahead of the gateway's, or behind it.
RETRIED = 36 * 3_600.0  # seconds
SKEW = 300.0
REMEMBERED = RETRIED + 2 * SKEW
# Limits of what waits: then the platform gets 503, and sends it again later.
MOST_WAITING = 10_000  # bodies
MOST_BYTES = 64 * 2**20
MOST_DIGESTS = 100_000
CLAIM_SECONDS = 30.0
MOST_CLAIMS = 5  # of one body: one that kills each process that works on it must not do so for ever


class InboxUnavailable(Exception):
    """The inbox cannot be read or written now, or is full. The platform sends the body again."""


@dataclass(frozen=True, slots=True)
class StoredBody:
    """A body in the inbox. `received_at` is in Unix seconds."""

    digest: bytes
    body: bytes
    received_at: float


class Inbox(Protocol):
    """Methods raise InboxUnavailable."""

    async def put(self, body: bytes) -> bool:
        """Store a body, and return whether it is new: nobody has put it for REMEMBERED seconds."""

    async def claim(self, most: int) -> list[StoredBody]:
        """Return bodies that nobody works on, the oldest first. For CLAIM_SECONDS no other process gets them."""

    async def finish(self, digest: bytes, *, remembers: bool) -> None:
        """Delete a body. With `remembers`, `put` still knows it."""

    async def tidy(self) -> int:
        """Delete what has expired, and return how many bodies were dropped without having been processed."""

    async def erase(self, ids: Sequence[str]) -> int:
        """Delete the entries of accounts with these ids in all bodies, and return how many bodies had any."""

    async def aclose(self) -> None: ...


def digest_of(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
