"""Whether the process lives, and whether it can answer what is not cached."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.events import BreakerChanged, Event, LedgerChanged, LedgerLost
from gateway.planner.budget import AccountGuard

ALIVE, READY = "/healthz", "/readyz"
PATHS = frozenset({ALIVE, READY})

Problems = Callable[[], Mapping[str, str]]

UNWRITABLE = "Spending cannot be recorded, so nothing is bought."
LOST = (
    "The ledger's file was deleted or replaced while the gateway ran, so nothing is bought: put it back, or start the "
    "gateway again."
)


class Vitals:
    """What the gateway needs in order to buy. `hear` is a hook."""

    def __init__(self, account: AccountGuard) -> None:
        self._account = account
        self._upstream_fails = False
        self._ledger: str | None = None

    def hear(self, event: Event) -> None:
        match event:
            case BreakerChanged(state=state, upstream="reading"):
                self._upstream_fails = state != "closed"
            case LedgerChanged(writable=writable):
                self._ledger = None if writable else UNWRITABLE
            case LedgerLost():
                self._ledger = LOST

    def problems(self) -> dict[str, str]:
        """One sentence for each part that keeps the gateway from buying."""
        balance, floor = self._account.balance, self._account.floor
        failing = {
            "upstream": "The upstream fails: the breaker is open." if self._upstream_fails else None,
            "account": "The upstream account is at its floor." if balance is not None and balance <= floor else None,
            "ledger": self._ledger,
        }
        return {part: sentence for part, sentence in failing.items() if sentence is not None}


def routes(problems: Problems) -> list[Route]:
    """`/healthz` and `/readyz`, which is 503 while there are problems."""

    async def alive(request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> JSONResponse:
        found = problems()
        return JSONResponse({"ready": not found, "problems": found}, status_code=503 if found else 200)

    return [Route(ALIVE, alive), Route(READY, ready)]
