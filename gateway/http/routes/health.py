"""The health routes: liveness, and readiness for everything, for cached reads, or for nothing."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sized

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.billing.account_guard import AccountGuard
from gateway.errors import InvalidRequest
from gateway.events import (
    CircuitBreakerStateChanged,
    EndpointRetired,
    Event,
    LedgerAvailabilityChanged,
    LedgerLost,
    SharedCacheChanged,
    UpstreamAccess,
)
from gateway.http.request_parsing import parameters
from gateway.http.shutdown import Shutdown

ALIVE, READY = "/healthz", "/readyz"
PATHS = frozenset({ALIVE, READY})

Problems = Callable[[], Mapping[str, str]]

STRICT = "strict"
NO = ("0", "false", "no", "off")  # values of the parameter `strict` that disable it
# Without these parts nothing is bought, and reads are served only from the cache.
BUYING = frozenset({"upstream", "account", "ledger"})
RETRY = {"retry-after": "5"}  # seconds: the interval of upstream probes while it fails

FAILING = "The upstream is failing: the circuit breaker is open."
UNREACHED = "The upstream has not responded since the gateway started."
REFUSING = "The upstream rejects the gateway's key."
UNWRITABLE = "The ledger is unavailable: no upstream request is made."
LOST = (
    "The ledger was deleted or replaced while the gateway ran, so nothing is bought: put it back, or start the "
    "gateway again."
)
SHARED_CACHE = "shared_cache"


class HealthMonitor:
    """The state of the upstream, its account and the ledger, on which purchases depend. `hear` is an event hook."""

    def __init__(self, account: AccountGuard) -> None:
        self._account = account
        self._breaker: str | None = None
        self._access: str | None = None
        self._ledger: str | None = None
        self.warnings: dict[str, str] = {}
        """One sentence for each part that works in another way than it should."""

    def hear(self, event: Event) -> None:
        match event:
            case CircuitBreakerStateChanged(state=state, upstream="reading"):
                self._breaker = None if state == "closed" else FAILING
            case UpstreamAccess(state=state, upstream="reading"):
                self._access = {"refuses": REFUSING, "fails": UNREACHED}.get(state)
            case LedgerAvailabilityChanged(writable=writable):
                self._ledger = None if writable else UNWRITABLE
            case EndpointRetired(endpoint=endpoint, path=path, instead=instead):
                self.warnings[endpoint] = f"The upstream has retired {path}: {instead} is used, until the next start."
            case LedgerLost():
                self._ledger = LOST
            case SharedCacheChanged(problem=None):
                self.warnings.pop(SHARED_CACHE, None)
            case SharedCacheChanged(problem=problem):
                self.warnings[SHARED_CACHE] = f"The shared cache is {problem}: each instance buys for itself."
            case _:
                pass

    def problems(self) -> dict[str, str]:
        """Return one sentence for each part that keeps the gateway from buying."""
        balance, floor = self._account.balance, self._account.floor
        failing = {
            "upstream": self._breaker or self._access,
            "account": "The balance of the upstream account is at or below GATEWAY_BALANCE_FLOOR."
            if balance is not None and balance <= floor
            else None,
            "ledger": self._ledger,
        }
        return {part: sentence for part, sentence in failing.items() if sentence is not None}


class HealthState(enum.Enum):
    """The states of `/readyz`."""

    READY = "ready"
    NO_FLOWS = "serves reads"
    FROM_CACHE = "serves from cache"
    NOTHING = "serves nothing"
    STOPPING = "stopping"


# The states in which a load balancer should use another process.
UNREADY = frozenset({HealthState.NOTHING, HealthState.STOPPING})


def state_of(problems: Mapping[str, str], cache: Sized) -> HealthState:
    """Return the state for `problems`. With entries in the `cache`, reads may still be served."""
    if not problems:
        return HealthState.READY
    if not BUYING & problems.keys():
        return HealthState.NO_FLOWS
    return HealthState.FROM_CACHE if len(cache) else HealthState.NOTHING


def routes(problems: Problems, warnings: Mapping[str, str], cache: Sized, shutdown: Shutdown) -> list[Route]:
    """Return `/healthz` and `/readyz`.

    The latter is 503 if nothing can be served, with `strict` if not everything, and once the shutdown is announced.
    """

    async def alive(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> JSONResponse:
        found = problems()
        state = HealthState.STOPPING if shutdown.is_announced else state_of(found, cache)
        try:
            is_strict = parameters(request).get(STRICT, NO[0]).lower() not in NO
        except InvalidRequest as problem:
            return JSONResponse({"error": problem.message}, 400)
        is_ready = state not in UNREADY and not (found and is_strict)
        body = {"ready": is_ready, "status": state.value, "problems": found, "warnings": dict(warnings)}
        return JSONResponse(body) if is_ready else JSONResponse(body, 503, RETRY)

    return [Route(ALIVE, alive), Route(READY, ready)]
