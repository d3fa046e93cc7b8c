"""The part of the gateway that buys, over an upstream of the test's own, one case after the other."""

from __future__ import annotations

import asyncio
import copy
import pathlib
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial, reduce
from types import MappingProxyType
from typing import Any, Self, TypeAlias, TypeVar

import httpx
from graphql import GraphQLError, parse

from gateway.billing.account_guard import AccountGuard
from gateway.billing.budget import Allowance, OperationBudget
from gateway.billing.ledger import Ledger
from gateway.billing.prices import Prices
from gateway.billing.sqlite_ledger import SqliteLedger
from gateway.cache.decoded_cache import DecodedCache
from gateway.cache.entity_cache import EntityCache
from gateway.cache.store import EntryStore
from gateway.clients import Clients
from gateway.clock import Clock
from gateway.domain.window import Window
from gateway.errors import CursorExpired, GatewayError
from gateway.events import ignore
from gateway.loaders import Loader
from gateway.operations.documents import DocumentCache, priced
from gateway.operations.quotes import Lanes, Quotes
from gateway.operations.selection_analysis import analyze, prefetch
from gateway.planner.fetcher import Fetcher
from gateway.planner.selection import Selection
from gateway.planner.upstream_services import UpstreamServices
from gateway.reads.batches import parts_of
from gateway.reads.endpoints import Call, Endpoint, Endpoints
from gateway.reads.port import ReadApi
from gateway.single_flight import SingleFlight
from gateway.upstream.hikerapi.client import connect
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from schema.build import build_schema
from schema.context import Context
from tests.fakes.clock import ManualClock
from tests.fakes.paging import PAGING
from tests.planner.cases import LIFETIMES, Case
from tests.planner.listings import MOST_PAGES
from tests.planner.selections import Operation
from tests.planner.upstreams import BilledUpstream, Upstream
from tests.planner.worlds import World

SCHEMA = build_schema()
FEW_PAGES = replace(PAGING, max_pages=MOST_PAGES)
T = TypeVar("T")
Path: TypeAlias = tuple[str | int, ...]


def selections(operation: Operation) -> tuple[Selection, ...]:
    return analyze(SCHEMA.core, parse(str(operation)), None, None)


def _code(error: GraphQLError) -> str:
    assert isinstance(error.original_error, GatewayError), error
    return error.original_error.code


def _context(fetcher: Fetcher) -> Context:
    client = Clients.local().identify(None)
    ask = Quotes(str, partial(priced, SCHEMA.core, DocumentCache()), fetcher, Lanes())
    return Context(
        client=client, fetcher=fetcher, loader=Loader(fetcher), quote=ask, foresee=partial(prefetch, fetcher)
    )


@dataclass(frozen=True)
class Vendor:
    """A read vendor: its upstream over a world, and its client over a transport."""

    name: str
    endpoints: Endpoints[Endpoint]
    upstream: Callable[[World], BilledUpstream]
    connect: Callable[[httpx.AsyncBaseTransport, Clock], ReadApi]


def _hikerapi(transport: httpx.AsyncBaseTransport, clock: Clock) -> ReadApi:
    return connect(base_url="https://upstream.test", key="key", rate=1e9, transport=transport, clock=clock, hook=ignore)


HIKERAPI = Vendor("hikerapi", ENDPOINTS, Upstream, _hikerapi)


class Shop:
    """One gateway's services over one world, with a clock that stands still unless the test moves it."""

    def __init__(self, world: World, ledger: Ledger, clock: ManualClock, vendor: Vendor = HIKERAPI) -> None:
        self.clock = clock
        self.ledger = ledger
        self.upstream = vendor.upstream(world)
        self.account = AccountGuard(floor=0)
        api = vendor.connect(self.upstream, clock)
        memory = EntityCache(
            EntryStore(10**7, clock, DecodedCache(10**6)),
            api.endpoints,
            clock=clock,
            lifetimes=LIFETIMES,
            pointers=10**6,
        )
        self.services = UpstreamServices(
            api, memory, Prices(api.endpoints, clock), SingleFlight(), clock, ignore, FEW_PAGES
        )

    async def live_through(self, history: Iterable[tuple[Call, float]]) -> None:
        for call, pause in history:
            for part in parts_of(await self.services.api.fetch(call)):
                self.services.memory.keep(part)
            self.clock.advance(pause)
        self.upstream.billed = 0
        self.upstream.asked.clear()

    def fetcher(
        self,
        *,
        forced: bool,
        ceiling: int | None = None,
        client: str = "test",
        limits: Mapping[Window, int] = MappingProxyType({}),
    ) -> Fetcher:
        allowance = Allowance(client, limits, ledger=self.ledger, clock=self.clock)
        budget = OperationBudget(ceiling=ceiling, allowance=allowance, account=self.account)
        return Fetcher(self.services, budget, forced=forced)


@dataclass(frozen=True)
class Answer:
    """The data, and the path and code of each error."""

    data: Any
    errors: frozenset[tuple[Path, str]]

    def without(self, path: Path, code: str) -> Answer:
        """As it would be with this error instead of an entity of which nothing but its name and type is shown."""
        data = copy.deepcopy(self.data)
        *above, last = path
        parent = reduce(lambda part, key: part[key], above, data)
        assert parent[last].keys() <= {"__typename", "id"}
        parent[last] = None
        return Answer(data, self.errors | {(path, code)})


def met_a_dead_cursor(bought: Fetcher) -> bool:
    return any(isinstance(line.problem, CursorExpired) for line in bought.bill.lines)


class Shops:
    """A new shop for each case, on one event loop, one clock and one ledger: thousands of cases share what is dear."""

    def __init__(
        self,
        folder: pathlib.Path,
        vendor: Vendor = HIKERAPI,
        *,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None,
    ) -> None:
        self.vendor = vendor
        self.clock = ManualClock()
        self.ledger = Ledger(SqliteLedger(folder / "ledger.db"), clock=self.clock)
        self._runner = asyncio.Runner(loop_factory=loop_factory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.close()
        self.ledger.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def open(self, case: Case) -> Shop:
        """After the case's past."""
        shop = Shop(case.world, self.ledger, self.clock, self.vendor)
        self.run(shop.live_through(case.history))
        return shop

    def prepared(self, case: Case) -> tuple[Shop, Fetcher]:
        """After the case's operation was bought."""
        shop = self.open(case)
        return shop, self.buy(shop, case.operation)

    def answer(self, case: Case) -> Answer:
        return self.run(self.answered(self.open(case), case.operation))

    async def answered(self, shop: Shop, operation: Operation) -> Answer:
        fetcher = shop.fetcher(forced=operation.forced)
        await fetcher.prepare(selections(operation))
        result = await SCHEMA.execute(str(operation), context_value=_context(fetcher))
        errors = ((tuple(error.path or ()), _code(error)) for error in result.errors or ())
        return Answer(result.data, frozenset(errors))

    def settle(self, shop: Shop, operation: Operation, bought: Fetcher) -> None:
        """Buy the operation once more if a cursor was refused: the pages that lead to it are bought anew, once."""
        if met_a_dead_cursor(bought):
            self.buy(shop, operation)

    def buy(self, shop: Shop, operation: Operation) -> Fetcher:
        fetcher = shop.fetcher(forced=operation.forced)
        self.run(fetcher.prepare(selections(operation)))
        return fetcher
