"""The state of the gateway, for its operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Self, TypeAlias

import strawberry

from gateway.billing.ledger_store import Row
from gateway.control.messages import UpstreamReport, WorkerReport
from gateway.control.port import ClientFigures, Operator
from gateway.durable.port import Status, Tally
from gateway.upstream.client.availability import AvailabilityState
from gateway.upstream.client.circuit_breaker import BreakerState
from gateway.version import version
from schema.cost_directives import UNPAGED
from schema.enums import describe_enum
from schema.types.allowance import AllowanceFigures
from schema.types.cache_status import CacheStatus

Reports: TypeAlias = Mapping[int, WorkerReport | None]
Since = Annotated[date | None, strawberry.argument(description="First day, in UTC; `until` or today by default.")]
Until = Annotated[date | None, strawberry.argument(description="Last day, in UTC; today by default.")]
OfClient = Annotated[str | None, strawberry.argument(description="Return only the client with this name or id.")]

describe_enum(
    BreakerState,
    "CircuitBreakerState",
    "The state of the circuit breaker of an upstream.",
    {
        BreakerState.CLOSED: "Requests are sent.",
        BreakerState.OPENED: "The upstream is failing: requests fail at once.",
        BreakerState.HALF_OPENED: "One request is sent, to see whether the upstream still fails.",
    },
)
describe_enum(
    AvailabilityState,
    "UpstreamAccess",
    "The access of the gateway to an upstream.",
    {
        AvailabilityState.ANSWERS: "The upstream answers.",
        AvailabilityState.REFUSES: "The upstream refuses the key of the gateway.",
        AvailabilityState.FAILS: "The upstream has not answered since the start.",
    },
)


@strawberry.type(description="The state of an upstream, as one worker knows it.")
class UpstreamStatus:
    name: str = strawberry.field(description="`reading` or `publishing`.")
    breaker: BreakerState = strawberry.field(description="State of the circuit breaker.")
    access: AvailabilityState | None = strawberry.field(description="Access to it; null before the first request.")
    problem: str | None = strawberry.field(description="What to check, if there is no access.")
    waiting: int = strawberry.field(description="Number of requests that wait for their turn, by rate or concurrency.")

    @classmethod
    def of(cls, report: UpstreamReport) -> Self:
        access = None if report.access is None else AvailabilityState(report.access)
        breaker = BreakerState(report.breaker)
        return cls(name=report.name, breaker=breaker, access=access, problem=report.problem, waiting=report.waiting)


@strawberry.type(description="An endpoint of the read API that the upstream has retired.")
class RetiredEndpoint:
    endpoint: str = strawberry.field(description="Name of the endpoint, as in bills.")
    instead: str = strawberry.field(description="Path that is used in its place, until the next start.")


@strawberry.type(description="A worker process of the gateway.")
class WorkerStatus:
    process_id: int = strawberry.field(description="Id of the process.")
    has_answered: bool = strawberry.field(description="Whether it has answered in time; if not, all else is unknown.")
    started_at: datetime | None = strawberry.field(description="Time of its start.")
    calls_in_flight: int | None = strawberry.field(
        description="Number of requests to the read API that are waiting or under way."
    )
    upstreams: list[UpstreamStatus] = strawberry.field(description="The upstreams.")
    problems: list[str] = strawberry.field(description="One sentence for each part that limits the service.")
    retired_endpoints: list[RetiredEndpoint] = strawberry.field(description="Endpoints that the upstream has retired.")

    @classmethod
    def of(cls, process_id: int, report: WorkerReport | None) -> Self:
        if report is None:
            return cls(
                process_id=process_id,
                has_answered=False,
                started_at=None,
                calls_in_flight=None,
                upstreams=[],
                problems=[],
                retired_endpoints=[],
            )
        return cls(
            process_id=process_id,
            has_answered=True,
            started_at=_time(report.started_at),
            calls_in_flight=report.calls_in_flight,
            upstreams=[UpstreamStatus.of(each) for each in report.upstreams],
            problems=report.problems,
            retired_endpoints=[RetiredEndpoint(endpoint=name, instead=path) for name, path in report.retired.items()],
        )


@strawberry.type(description="An estimate from the spending of the last days.")
class SpendingForecast:
    spent_per_day: float | None = strawberry.field(
        description="Average spending of this gateway in billed requests a day since `averagedSince`, without what is "
        "leased; null if there was none, or if the ledger knows less than an hour."
    )
    averaged_since: datetime | None = strawberry.field(
        description="Begin of the time of the average: of the first of the last seven days with spending, or when the "
        "ledger was made on that day."
    )
    balance_lasts_until: datetime | None = strawberry.field(
        description="When the balance reaches the floor, if spending goes on like that; null if it is not known, or "
        "longer than a century."
    )


@strawberry.type(description="The account at the upstream that pays for all requests, and how long it lasts.")
class AccountStatus:
    operator: strawberry.Private[Operator]
    balance: int | None = strawberry.field(
        description="Balance in billed requests; null until the upstream has reported it."
    )
    floor: int = strawberry.field(description="Minimum balance in billed requests. Below it nothing is bought.")

    @classmethod
    def of(cls, operator: Operator) -> Self:
        return cls(operator=operator, balance=operator.account.balance, floor=operator.account.floor)

    @strawberry.field(description="How long it lasts; null, with an error, while the ledger cannot be read.")
    async def forecast(self) -> SpendingForecast | None:
        expected = await self.operator.forecast()
        return SpendingForecast(
            spent_per_day=None if expected.per_day is None else round(expected.per_day, 1),
            averaged_since=None if expected.since is None else _time(expected.since),
            balance_lasts_until=None if expected.lasts_until is None else _time(expected.lasts_until),
        )


@strawberry.type(description="The spending of a client on one endpoint in one day.")
class ClientSpending:
    day: date = strawberry.field(description="The day, in UTC.")
    client: str = strawberry.field(description="Name of the client; its id if there is no such client any more.")
    endpoint: str = strawberry.field(
        description="Name of the endpoint, as in bills; `(not itemised)` for what is reserved, or was lost in a crash."
    )
    calls: int = strawberry.field(description="Number of requests to the endpoint.")
    billed: int = strawberry.field(description="Billed requests.")

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(day=row.day, client=row.client, endpoint=row.endpoint, calls=row.calls, billed=row.billed)


@strawberry.type(description="A client and what it may still spend.")
class ClientStatus:
    name: str = strawberry.field(description="Name of the client.")
    id: str = strawberry.field(description="Id of the client, which a change of its name leaves unchanged.")
    ceiling: int | None = strawberry.field(description="Maximum cost of one operation; null if there is none.")
    allowances: list[AllowanceFigures] = strawberry.field(
        description="Its allowances with what is spent and left of them; empty if it is unlimited."
    )

    @classmethod
    def of(cls, figures: ClientFigures) -> Self:
        allowances = [AllowanceFigures.of(window) for window in figures.windows]
        return cls(name=figures.name, id=figures.id, ceiling=figures.ceiling, allowances=allowances)


@strawberry.type(description="The flows of all clients by state. Ended ones are counted until they are forgotten.")
class FlowCounts:
    running: int = strawberry.field(description="Number of flows that have not ended.")
    done: int = strawberry.field(description="Number of flows that ended successfully.")
    failed: int = strawberry.field(description="Number of flows that ended with an error.")
    cancelled: int = strawberry.field(description="Number of flows that were cancelled.")
    oldest_running_since: datetime | None = strawberry.field(
        description="Start of the oldest flow that has not ended; null if there is none."
    )

    @classmethod
    def of(cls, tally: Tally) -> Self:
        since = None if tally.oldest_running is None else _time(tally.oldest_running)
        counts = {status.value.lower(): tally.counts.get(status, 0) for status in Status}
        return cls(**counts, oldest_running_since=since)


@strawberry.type(description="The state of the gateway, for its operators.")
class GatewayStatus:
    operator: strawberry.Private[Operator]
    reports: strawberry.Private[Callable[[], Awaitable[Reports]]]
    version: str = strawberry.field(description="Version of the gateway.")

    @classmethod
    def of(cls, operator: Operator) -> Self:
        return cls(operator=operator, reports=_once(operator.reports), version=version())

    @strawberry.field(description="The worker processes.", directives=[UNPAGED])
    async def workers(self) -> list[WorkerStatus]:
        return [WorkerStatus.of(id, report) for id, report in sorted((await self.reports()).items())]

    @strawberry.field(description="The caches.")
    async def cache(self) -> CacheStatus:
        return CacheStatus.of([report for report in (await self.reports()).values() if report is not None])

    @strawberry.field(description="The account at the upstream.")
    def account(self) -> AccountStatus:
        return AccountStatus.of(self.operator)

    @strawberry.field(
        description="The spending of clients, by day, client and endpoint, as of a second ago; null, with an error, "
        "while the ledger cannot be read.",
        directives=[UNPAGED],
    )
    async def spending(
        self, since: Since = None, until: Until = None, client: OfClient = None
    ) -> list[ClientSpending] | None:
        return [ClientSpending.of(row) for row in await self.operator.spending(since, until, client)]

    @strawberry.field(
        description="The clients and their allowances, by name; null, with an error, while the ledger cannot be read.",
        directives=[UNPAGED],
    )
    async def clients(self, name: OfClient = None) -> list[ClientStatus] | None:
        return [ClientStatus.of(figures) for figures in await self.operator.clients(name)]

    @strawberry.field(description="The flows; null if the gateway has no account to write for.")
    async def flows(self) -> FlowCounts | None:
        tally = await self.operator.flows()
        return None if tally is None else FlowCounts.of(tally)


def _once(ask: Callable[[], Awaitable[Reports]]) -> Callable[[], Awaitable[Reports]]:
    """Return `ask` for several fields of one operation, which asks once."""
    answers: list[asyncio.Future[Reports]] = []

    def answer() -> Awaitable[Reports]:
        if not answers:
            answers.append(asyncio.ensure_future(ask()))
        return answers[0]

    return answer


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
