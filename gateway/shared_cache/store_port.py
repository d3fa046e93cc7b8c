"""The port of a store that instances share, in bytes. One contract holds for all implementations.

A store may lose anything at any time but one: values that an invalidation has removed do not come back, and
invalidations reach every instance, or the instance gets to know that it may have missed some.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol

EVERYTHING = "*"
"""The subject of an invalidation that is about all values."""


class StoreProblem(enum.Enum):
    """The ways in which a store is unusable, or usable in part: then its values are read, and none is written."""

    UNREACHABLE = "unreachable"
    SLOW = "slow"
    LOADING = "loading"
    REFUSED = "refused"
    FAILING = "failing"
    FULL = "full"
    READ_ONLY = "read-only"
    DAMAGED = "damaged"

    @property
    def is_partial(self) -> bool:
        """True if values can still be read."""
        return self in (StoreProblem.FULL, StoreProblem.READ_ONLY)


class StoreUnavailable(Exception):
    """The store did not do what it was asked for."""

    def __init__(self, problem: StoreProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class LogPosition(NamedTuple):
    """A place in the log of invalidations: those up to this `number` of the log `epoch` are known.

    `id` is the place in the store's own form. A log that was lost begins again with another `epoch`.
    """

    epoch: str
    number: int
    id: str


@dataclass(frozen=True, slots=True)
class StoredValue:
    """A value under a name, or the name of another value. It is fresh and kept until these Unix seconds."""

    name: str
    value: bytes
    fresh_until: float
    expires_at: float
    is_alias: bool = False


@dataclass(frozen=True, slots=True)
class LoggedInvalidation:
    """An invalidation of values about `subjects`. `number` counts those of the instance `origin`.

    `names` are the values to remove; with the subject EVERYTHING all are removed. `message` is for the other instances.
    """

    origin: str
    number: int
    subjects: tuple[str, ...]
    names: tuple[str, ...]
    message: bytes


class Lock(NamedTuple):
    """The right to buy, held by the instance with this `token`."""

    name: str
    token: str


@dataclass(frozen=True, slots=True)
class TurnClaim:
    """The result of a claim: the fresh values of all names, or the lock, or neither.

    If another instance has the lock, it has it for `wait` seconds, unless it prolongs or returns it.
    """

    values: tuple[bytes, ...] = ()
    lock: Lock | None = None
    wait: float = 0.0


class StoreListener(Protocol):
    """The instance `origin`, which uses the store. Its methods return at once."""

    origin: str

    def on_invalidation(self, message: bytes) -> None:
        """Take in the message of an invalidation by another instance."""

    def on_restart(self, *, is_complete: bool) -> None:
        """Take in that the log of invalidations was lost. Unless `is_complete`, some may have been missed.

        Those that this instance has sent may not reach all others.
        """

    def on_release(self, lock: str) -> None:
        """Wake the calls that wait for the lock of this name, which was returned."""

    def on_state(self, problem: StoreProblem | None) -> None:
        """Report that the store has a problem, or none any more."""


class SharedStore(Protocol):
    """A store. All methods raise StoreUnavailable, after a short time."""

    @property
    def position(self) -> LogPosition | None:
        """The place up to which the invalidations are known; None while they are not followed."""

    def running(self, listener: StoreListener) -> AbstractAsyncContextManager[None]:
        """Follow the invalidations, and the locks that are returned, while the context lasts."""

    async def find(self, names: Sequence[str]) -> list[bytes | None]:
        """Return the values of the names, fresh or not. One that another value is stored under has that."""

    async def claim(self, lock: Lock, names: Sequence[str]) -> TurnClaim:
        """Return the values if all of them are fresh, otherwise take the lock if nobody has it."""

    async def prolong(self, lock: Lock) -> bool:
        """Keep a lock for another lease. Return whether this instance still has it."""

    async def release(self, lock: Lock) -> None:
        """Return a lock, and wake those that wait for it. One that another instance has stays."""

    async def put(self, values: Sequence[StoredValue], *, begun: LogPosition, subjects: Sequence[str]) -> bool:
        """Store the values, which are about `subjects`, unless one was invalidated after `begun`. Return whether."""

    async def invalidate(self, invalidation: LoggedInvalidation) -> None:
        """Remove values, and tell all instances. Values that were requested before are not stored any more."""
