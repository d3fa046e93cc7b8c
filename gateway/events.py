"""Events as frozen values for a hook: logic does not log, count or trace by itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol

from gateway.clock import Clock


@dataclass(frozen=True, slots=True)
class Event:
    """The base of all events. No field ever contains a key, a token or a URL's query string."""


@dataclass(frozen=True, slots=True)
class UpstreamAttempt(Event):
    """One HTTP request to an upstream ended. `status` is None without a response; `charged` is in billed requests.

    It took `seconds` on the wire, after `waited` seconds for its turn.
    """

    endpoint: str
    attempt: int
    status: int | None
    charged: int
    seconds: float
    error: str | None = None
    upstream: str = "reading"
    waited: float = 0.0


@dataclass(frozen=True, slots=True)
class CircuitBreakerStateChanged(Event):
    """The circuit breaker of an upstream changed its state to `closed`, `opened` or `half-opened`.

    `is_news`: it opened or closed. During an outage it also half-opens and opens again for each probe.
    """

    state: str
    upstream: str = "reading"
    is_news: bool = dataclasses.field(default=True, repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamAccess(Event):
    """The first known state of an upstream, or a change of it. `problem` names the thing to check.

    The upstream `answers`, it `refuses` the gateway's key, or it `fails` before its first response.
    """

    state: str
    upstream: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceRead(Event):
    """The upstream account's balance at the first reading after the start.

    It is in billed requests, with their worth if the upstream reports it.
    """

    balance: int
    amount: float | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class BalanceLow(Event):
    """The upstream account fell to `percent` of its maximum since the start. Sent once until it recovers."""

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
    """Buying resumes: the upstream reported an empty account a minute ago, and no balance since."""


@dataclass(frozen=True, slots=True)
class PriceMismatch(Event):
    """The upstream billed another price than the price table says. Sent once an hour for each kind of call."""

    endpoint: str
    expected: int
    charged: int


@dataclass(frozen=True, slots=True)
class PriceDisbelieved(Event):
    """The upstream reported an implausible price, so the price table is used. Sent as often as PriceMismatch."""

    endpoint: str
    expected: int
    named: int


@dataclass(frozen=True, slots=True)
class EndpointRetired(Event):
    """The upstream has retired the endpoint `path`. From now on `instead` is used."""

    endpoint: str
    path: str
    instead: str


@dataclass(frozen=True, slots=True)
class ResponseSchemaMismatch(Event):
    """An upstream response deviates from the documented shape: the parts at `paths` could not be read as documented."""

    endpoint: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AnswerTooLarge(Event):
    """An upstream response has more than `most` bytes, compressed or decompressed. The rest of it was not read."""

    endpoint: str
    most: int


@dataclass(frozen=True, slots=True)
class TokenRefreshed(Event):
    """The platform rejected the account's token and issued another, which only this process knows."""


@dataclass(frozen=True, slots=True)
class AccountConnectionChanged(Event):
    """A ConsentOutcome, or `disconnected`, `refreshed`, `not_refreshed`, `restricted`, `reconnection_required`."""

    change: str


@dataclass(frozen=True, slots=True)
class StaleServed(Event):
    """A stale entry was served because the upstream failed. `age` is in seconds."""

    kind: str
    age: float


@dataclass(frozen=True, slots=True)
class LedgerAvailabilityChanged(Event):
    """The ledger became writable or unwritable. While it is unwritable, requests for uncached data are rejected."""

    writable: bool


@dataclass(frozen=True, slots=True)
class LedgerLost(Event):
    """The ledger was deleted or replaced. Nothing is bought until it is back or the gateway restarts."""


@dataclass(frozen=True, slots=True)
class SharedCacheChanged(Event):
    """The cache that instances share has a `problem`, or none any more.

    The problem is `unreachable`, `slow`, `loading`, `refused`, `failing`, `damaged`, `full` or `read-only`. Meanwhile
    each instance buys for itself.
    """

    problem: str | None


@dataclass(frozen=True, slots=True)
class ClientsReloaded(Event):
    """The clients file was reloaded and is in force."""


@dataclass(frozen=True, slots=True)
class ClientsReloadFailed(Event):
    """The clients file could not be reloaded because it is invalid. The clients are unchanged."""

    problem: str


@dataclass(frozen=True, slots=True)
class CertificateLoaded(Event):
    """The server's certificate was read, at the start or again. It is valid for `days` more; negative: it has ended."""

    expires: str
    days: int


@dataclass(frozen=True, slots=True)
class CertificateReloadFailed(Event):
    """The server's certificate could not be read again: the one before is used on."""

    problem: str


@dataclass(frozen=True, slots=True)
class DocumentsReloaded(Event):
    """The manifest of trusted documents was reloaded and is in force."""


@dataclass(frozen=True, slots=True)
class DocumentsReloadFailed(Event):
    """The manifest could not be reloaded because it is invalid. The trusted documents are unchanged."""

    problem: str


@dataclass(frozen=True, slots=True)
class FlowStarted(Event):
    """A workflow runs, from its start or from the step where a crash, a failure or a cancellation left it."""

    flow: str
    name: str


@dataclass(frozen=True, slots=True)
class FlowEnded(Event):
    """A workflow ended. `status` is DONE, FAILED or CANCELLED; `code` is the reason of a failure."""

    flow: str
    name: str
    status: str
    code: str | None


@dataclass(frozen=True, slots=True)
class StepRetried(Event):
    """A workflow step failed with a transient error, and is retried in `seconds`. `medium` is a position."""

    flow: str
    step: str
    medium: int | None
    attempt: int
    code: str
    seconds: float


@dataclass(frozen=True, slots=True)
class WorkflowStoreAvailabilityChanged(Event):
    """The workflow store became reachable or unreachable. While it is unreachable, no workflow starts or continues."""

    reachable: bool


@dataclass(frozen=True, slots=True)
class FlowsDirectoryRefused(Event):
    """The store or the directory of workflows cannot be used: `problem` says why, and what to do. It is retried."""

    problem: str


@dataclass(frozen=True, slots=True)
class WorkflowsRecovered(Event):
    """The workflows of a process that ended were taken over by this process."""

    executor: str
    flows: int


@dataclass(frozen=True, slots=True)
class WorkerLeaseLost(Event):
    """This process slept, or could not reach the database, for longer than its lease, and has taken it again.

    Other processes may have taken over its workflows meanwhile.
    """

    executor: str


@dataclass(frozen=True, slots=True)
class TraceExportChanged(Event):
    """The collector of traces does not take them, or takes them again. Meanwhile spans are dropped."""

    succeeds: bool


@dataclass(frozen=True, slots=True)
class WebhookIgnored(Event):
    """Signed webhook events were ignored, for one of these reasons.

    `repeated`, `of another account`, `out of time`, `not to be read` (more than a ResponseSchemaMismatch names), or
    `too many at once` in one body; and `not processed in time`, of whole bodies. Sent once a minute for each of the
    former reasons; `changes` counts them since the event was last sent.
    """

    reason: str
    changes: int


@dataclass(frozen=True, slots=True)
class InternalErrorMasked(Event):
    """An unexpected exception was masked from the client under `id`."""

    id: str
    error: BaseException = dataclasses.field(repr=False)


class Hook(Protocol):
    def __call__(self, event: Event, /) -> None: ...


class EventLimit:
    """A rate limit of one event of a kind per interval in seconds, for events that repeat."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        self._seconds = seconds
        self._clock = clock
        self._next: dict[Hashable, float] = {}

    def allows(self, kind: Hashable = None) -> bool:
        """Return whether the event may be sent now. If so, the next interval begins."""
        now = self._clock.monotonic()
        if now < self._next.get(kind, now):
            return False
        self._next[kind] = now + self._seconds
        return True


def ignore(event: Event) -> None:
    """Ignore the event: the null hook."""


def fan_out(hooks: Iterable[Hook]) -> Hook:
    """Return one hook that passes each event to all `hooks`, in order."""
    chain = tuple(hooks)

    def hook(event: Event) -> None:
        for one in chain:
            one(event)

    return hook
