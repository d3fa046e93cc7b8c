"""What operations buy from, with the sandbox at its wire and no HTTP in front: for tests below the door."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import Allowance, OperationBudget
from gateway.billing.ledger import Ledger
from gateway.billing.prices import Prices
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.freshness import Lifetimes
from gateway.cache.store import EntryStore
from gateway.clock import Clock
from gateway.events import Hook, ignore
from gateway.planner.fetcher import Fetcher
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.facts import Lifetime
from gateway.sandbox import Sandbox, create_sandbox
from gateway.single_flight import SingleFlight
from gateway.upstream.hikerapi.client import connect
from tests.fakes.paging import PAGING

ORIGIN = "http://upstream.test"


@dataclass(frozen=True, slots=True)
class Shop:
    """A services, the sandbox it buys from, and the ledger of those who buy."""

    services: UpstreamServices
    sandbox: Sandbox
    ledger: Ledger
    account: AccountGuard

    def fetcher(self, *, ceiling: int | None = None, forced: bool = False) -> Fetcher:
        """For one operation of a client without an allowance."""
        allowance = Allowance("web", {}, ledger=self.ledger, clock=self.services.clock)
        return Fetcher(
            self.services, OperationBudget(ceiling=ceiling, allowance=allowance, account=self.account), forced=forced
        )

    @property
    def calls(self) -> dict[str, int]:
        """By path; without the free reads of the balance."""
        return {path: count for path, count in self.sandbox.meter.calls.items() if path != "/sys/balance"}


LIFETIMES = Lifetimes(
    {
        **dict.fromkeys(Lifetime, 3_600),
        Lifetime.TRAY: 600,
        Lifetime.STORIES: 600,
        Lifetime.USERNAME: 86_400,
        Lifetime.MISSING: 120,
    },
    stale=3_600,
    margin=300,
)


def shop(folder: Path, clock: Clock, hook: Hook = ignore) -> Shop:
    app: Starlette = create_sandbox(clock=clock, base_url=ORIGIN)
    transport = httpx.ASGITransport(app)
    api = connect(base_url=ORIGIN, key="sandbox", clock=clock, hook=hook, rate=10_000.0, transport=transport)
    memory = EntityCache(
        EntryStore(2**24, clock, DecodedCache(2**22)),
        api.endpoints,
        clock=clock,
        lifetimes=LIFETIMES,
        pointers=2**20,
    )
    services = UpstreamServices(api, memory, Prices(api.endpoints, clock), SingleFlight(), clock, hook, PAGING)
    return Shop(
        services, app.state.sandbox, Ledger(SqliteLedger(folder / "ledger.sqlite3"), clock=clock), AccountGuard(floor=0)
    )
