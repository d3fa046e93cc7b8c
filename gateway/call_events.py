"""Events of the calls that operations make: who waits, who pays."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.events import Event


@dataclass(frozen=True, slots=True)
class UpstreamQueueChanged(Event):
    """A request to an upstream waits for its turn, or does so no longer: `waiting` are left.

    One that waits no longer has `waited` for so many seconds, for the `client` that began the call; if the upstream
    does not get it because its time is over, it `is_late`.
    """

    upstream: str
    waiting: int
    client: str
    waited: float | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class RequestShed(Event):
    """A request of the client was refused at once, because its turn at the upstream would have come too late.

    After `retry_after` seconds it would have come in time.
    """

    upstream: str
    client: str
    retry_after: float


@dataclass(frozen=True, slots=True)
class CallBilled(Event):
    """One call stands on the bill of an operation: it was `BOUGHT`, `SHARED`, `STALE` or `REFUSED`.

    `charged` is in billed requests.
    """

    endpoint: str
    source: str
    charged: int


@dataclass(frozen=True, slots=True)
class SharedCacheLookup(Event):
    """The cache that instances share was asked for calls: so many had an answer, and so many had none.

    Unless it `is_usable`, it was not asked.
    """

    hits: int
    misses: int
    is_usable: bool = True


@dataclass(frozen=True, slots=True)
class ChargeSettled(Event):
    """The upstream charged a call, in billed requests, to the allowance of a client, which may have left meanwhile."""

    client: str
    endpoint: str
    charged: int
