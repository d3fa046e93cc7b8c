"""What happened, as frozen values given to a hook: logic does not log, count or trace by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.clock import Clock


@dataclass(frozen=True, slots=True)
class Event:
    """Base of all events. No field ever holds a key, a token or a URL's query string."""


@dataclass(frozen=True, slots=True)
class UpstreamAttempt(Event):
    """One HTTP request to the upstream ended. `status` is None when no answer came; `charged` is in billed requests."""

    endpoint: str
    attempt: int
    status: int | None
    charged: int
    seconds: float
    error: str | None = None


@dataclass(frozen=True, slots=True)
class CircuitBreakerStateChanged(Event):
    """The breaker in front of an upstream changed its state: `closed`, `opened` or `half-opened`.

    `is_news`: it opened or closed. During an outage it also half-opens and opens again, for each probe.
    """

    state: str
    upstream: str = "reading"
    is_news: bool = dataclasses.field(default=True, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamAccess(Event):
    """Whether an upstream can be used, when that is first known and whenever it changes: it `answers`, it `refuses` the
    gateway's key, or it `fails` before it has ever answered. `problem` says what to look at."""

    state: str
    upstream: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceRead(Event):
    """What the upstream account has, at the first reading since the start: billed requests, and their worth, if it
    says so."""

    balance: int
    amount: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class BalanceLow(Event):
    """The upstream account has sunk to `percent` of the most it had since the start. Sent once until it recovers."""

    balance: int
    percent: int
    most: int


@dataclass(frozen=True, slots=True)
class BalanceAtFloor(Event):
    """The upstream account is at its floor or empty, so nothing is bought. Sent once until it recovers."""

    balance: int
    floor: int


@dataclass(frozen=True, slots=True)
class BalanceRecovered(Event):
    """The upstream account is above a threshold again, or above its floor."""

    balance: int


@dataclass(frozen=True, slots=True)
class RefusalForgotten(Event):
    """The upstream said a minute ago that the account is empty, and told no balance since: buying begins again."""


@dataclass(frozen=True, slots=True)
class PriceMismatch(Event):
    """The upstream billed another price than our table says. Sent once an hour for each kind of call."""

    endpoint: str
    expected: int
    charged: int


@dataclass(frozen=True, slots=True)
class PriceDisbelieved(Event):
    """The upstream named a price that cannot be meant: our table's is taken instead. Sent as PriceMismatch is."""

    endpoint: str
    expected: int
    named: int


@dataclass(frozen=True, slots=True)
class ResponseSchemaMismatch(Event):
    """An upstream answer was not quite of the documented shape; the parts at `paths` could not be read as they are."""

    endpoint: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerTooLarge(Event):
    """An upstream answer has more than `most` bytes, as it is sent or unpacked. The rest of it was not read."""

    endpoint: str
    most: int


@dataclass(frozen=True, slots=True)
class TokenRefreshed(Event):
    """The platform refused the account's token and gave another, which is known to this process alone."""


@dataclass(frozen=True, slots=True)
class StaleServed(Event):
    """An entry past its freshness was served because the upstream failed. `age` is in seconds."""

    kind: str
    age: float


@dataclass(frozen=True, slots=True)
class LedgerAvailabilityChanged(Event):
    """Spending can be written down again, or not any more: then what is not cached is refused."""

    writable: bool


@dataclass(frozen=True, slots=True)
class LedgerLost(Event):
    """The ledger's file was deleted or replaced: nothing is bought until it is back, or the gateway started again."""


@dataclass(frozen=True, slots=True)
class ClientsReloaded(Event):
    """The clients file was read again, and holds from now on."""


@dataclass(frozen=True, slots=True)
class ClientsReloadFailed(Event):
    """The clients file was read again and is broken: the clients stay as they were."""

    problem: str


@dataclass(frozen=True, slots=True)
class FlowStarted(Event):
    """A flow is carried out, from its start or from where a crash, a failure or a cancellation left it."""

    flow: str
    name: str


@dataclass(frozen=True, slots=True)
class FlowEnded(Event):
    """`status` is DONE, FAILED or CANCELLED; `code` says why it failed."""

    flow: str
    name: str
    status: str
    code: str | None


@dataclass(frozen=True, slots=True)
class StepRetried(Event):
    """A step of a flow failed with a transient error, and is tried again in `seconds`. `medium` is a position."""

    flow: str
    step: str
    medium: int | None
    attempt: int
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkflowStoreAvailabilityChanged(Event):
    """The store of the flows can be reached again, or not any more: then no flow is begun, and those begun wait."""

    reachable: bool


@dataclass(frozen=True, slots=True)
class FlowsDirectoryRefused(Event):
    """What flows need in the data directory cannot be used: `problem` names the path. It is tried again."""

    problem: str


@dataclass(frozen=True, slots=True)
class WorkflowsRecovered(Event):
    """The flows of a process that is gone were taken over by this one."""

    executor: str
    flows: int


@dataclass(frozen=True, slots=True)
class WebhookIgnored(Event):
    """Signed news were ignored: `repeated`, `of another account`, `out of time`, `not to be read` where they are more
    than an ResponseSchemaMismatch names, or `too many at once` in one body. Sent once a minute for each reason;
    `changes` is how many there were since it was last sent."""

    reason: str
    changes: int


@dataclass(frozen=True, slots=True)
class InternalErrorMasked(Event):
    """An unexpected exception was hidden from the client under `id`."""

    id: str
    error: BaseException = dataclasses.field(repr=False)


class Hook(Protocol):
    def __call__(self, event: Event, /) -> None: ...


class EventLimit:
    """One event of a kind in so many seconds: what repeats itself is told once and then not for a while."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next: dict[Hashable, float] = {}

    def allows(self, kind: Hashable = None) -> bool:
        """Whether it may be told now; then it is not to be told again before that time is over."""
        now = self._clock.monotonic()
        if now < self._next.get(kind, now):
            return False
        self._next[kind] = now + self._seconds
        return True


def ignore(event: Event) -> None:
    """The null hook."""


def fan_out(hooks: Iterable[Hook]) -> Hook:
    """One hook that hands each event to all `hooks`, in order."""
    chain = tuple(hooks)

    def hook(event: Event) -> None:
        for one in chain:
            one(event)

    return hook
