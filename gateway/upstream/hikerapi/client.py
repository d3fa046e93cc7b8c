"""The client of the read API, which returns the outcome and the charge of each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Annotated, assert_never

import httpx
import msgspec

from gateway.clock import Clock
from gateway.domain.models import Item, LoadedHighlight, Profile, UserSummary
from gateway.domain.proxies import Proxy
from gateway.errors import GatewayError, Missing, NotFound, Renamed, UpstreamInvalidAnswer
from gateway.events import EventLimit, Hook, PriceDisbelieved, PriceMismatch, ResponseSchemaMismatch
from gateway.upstream.client.availability import Access
from gateway.upstream.client.bodies import ACCEPTED
from gateway.upstream.client.client import STANDARD, InterpretedResponse, Policy, UpstreamClient
from gateway.upstream.client.decoding import read_as
from gateway.upstream.client.errors import invalid_answer
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.network import over_network
from gateway.upstream.client.prepared_requests import GetRequestFactory, PreparedGet
from gateway.upstream.hikerapi import decoding, errors
from gateway.upstream.hikerapi.decoding import BY_NAME, Value
from gateway.upstream.hikerapi.endpoints import Call, Endpoint
from gateway.upstream.hikerapi.errors import Charge

__all__ = ["Balance", "Call", "Endpoint", "HikerApi", "Policy", "ReadOutcome", "connect"]

MOST_REQUESTS = 2**31 - 1  # in a balance: the maximum of a GraphQL Int
FASTEST = 1_000  # requests a second: the highest rate of an account that is believed
PAID_RATE = 15.0  # requests a second of all paid plans, used if the account names none
TOLD_SECONDS = 3_600.0  # between two events about the price of one kind of call
MOST_PATHS = 20  # of a schema mismatch that are reported: a change upstream affects every item of a response


@dataclass(frozen=True, slots=True)
class ReadOutcome:
    """The outcome of a call. Errors are values, because each was charged or not.

    `charged` is in billed requests and, if `in_doubt`, an estimate on the high side. `body` is the JSON that `value` is
    decoded from; with a problem both are empty, unless it is Renamed. `seconds` includes waiting, `attempts` is the
    number of requests sent.
    """

    call: Call
    value: Value | None
    body: bytes
    problem: GatewayError | None
    charged: int
    in_doubt: bool
    seconds: float
    attempts: int

    @property
    def answer(self) -> Value | GatewayError:
        """The value, or the problem if there is none."""
        if self.problem is not None:
            return self.problem
        assert self.value is not None, "an outcome has a value or a problem"
        return self.value


class Balance(msgspec.Struct, frozen=True):
    """The account's balance: billed requests left, its limit in requests a second, and the value in money.

    Only `requests` is required; the others are None if the response lacks them.
    """

    requests: Annotated[int, msgspec.Meta(ge=-MOST_REQUESTS, le=MOST_REQUESTS)]
    rate: int | None = None
    currency: str | None = None
    amount: float | None = None


BALANCE = msgspec.json.Decoder(Balance)
BALANCE_TARGET = "/sys/balance"


def connect(
    *,
    base_url: str,
    key: str,
    clock: Clock,
    hook: Hook,
    rate: float | None = None,
    sharers: int = 1,
    transport: httpx.AsyncBaseTransport | None = None,
    proxy: Proxy | None = None,
    policy: Policy = STANDARD,
) -> HikerApi:
    """Return a client of the API at `base_url`. `rate` is in requests a second; None means the account's own limit.

    `sharers` is the number of processes that divide this rate equally.
    """
    if transport is None:
        transport = over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy)
    timeouts = {"connect": policy.connect, "read": policy.read, "write": policy.read, "pool": policy.connect}
    access = Access("reading", key="GATEWAY_HIKERAPI_KEY", url="GATEWAY_HIKERAPI_URL", clock=clock, hook=hook)
    shared = (PAID_RATE if rate is None else rate) / sharers
    return HikerApi(
        UpstreamClient(transport, policy=policy, rate=shared, clock=clock, hook=hook, access=access),
        GetRequestFactory(base_url, _headers(key), timeouts),
        clock=clock,
        hook=hook,
        opening=policy.opening if rate is None else None,
        sharers=sharers,
    )


def _headers(key: str) -> dict[str, str]:
    # The edge rejects requests without a User-Agent.
    agent = f"highlights-gateway/{version('highlights-gateway')}"
    return {"x-access-key": key, "user-agent": agent, "accept": "application/json", "accept-encoding": ACCEPTED}


class HikerApi:
    """The client that `connect` returns. `opening` is the timeout of the rate look-up; None: the rate was given."""

    def __init__(
        self,
        client: UpstreamClient,
        request: Callable[[str], PreparedGet],
        *,
        clock: Clock,
        hook: Hook,
        opening: float | None,
        sharers: int,
    ) -> None:
        self._client = client
        self._request = request
        self._clock = clock
        self._hook = hook
        self._opening = opening
        self._sharers = sharers
        self._is_open = opening is None
        self._start = asyncio.Lock()
        self._reported_prices = EventLimit(TOLD_SECONDS, clock)

    async def start(self) -> None:
        """Look up the account's rate once, unless one was given. Without a result the paid plans' rate applies."""
        if self._is_open:
            return
        async with self._start:
            if not self._is_open:
                deadline = self._clock.monotonic() + (self._opening or 0.0)
                request = self._request(BALANCE_TARGET)
                self._adopt_rate(await self._client.try_once(request, "balance", _interpret_balance, deadline=deadline))
                self._is_open = True

    async def fetch(self, call: Call) -> ReadOutcome:
        """Make `call` and return its outcome. Raises only CancelledError."""
        began = self._clock.monotonic()
        await self.start()
        interpreted, attempts = await self._client.ask(
            self._request(call.target), call.endpoint.label, partial(self._interpret, call)
        )
        result, seconds = interpreted.result, self._clock.monotonic() - began
        if isinstance(result, Renamed):  # the response was paid for, and can serve requests by id
            value = decoding.read(call, interpreted.body)
            return ReadOutcome(
                call, value, interpreted.body, result, interpreted.charged, interpreted.in_doubt, seconds, attempts
            )
        if isinstance(result, GatewayError):
            result.subject = call.subject
            return ReadOutcome(call, None, b"", result, interpreted.charged, interpreted.in_doubt, seconds, attempts)
        return ReadOutcome(
            call, result, interpreted.body, None, interpreted.charged, interpreted.in_doubt, seconds, attempts
        )

    async def balance(self) -> Balance:
        """Return the balance, free of charge, and adopt its rate unless one was given. Raises UpstreamError."""
        interpreted, _ = await self._client.ask(self._request(BALANCE_TARGET), "balance", _interpret_balance)
        self._adopt_rate(interpreted)
        try:
            return interpreted.value()
        finally:
            del interpreted

    async def aclose(self) -> None:
        await self._client.aclose()

    def _interpret(self, call: Call, reply: Reply) -> InterpretedResponse[Value]:
        charge = errors.charge_from_response(reply, call.nominal_price)
        self._compare_price(call, charge)
        result = errors.error_from_response(reply, call.subject, charge.amount) or self._read(call, reply, charge)
        if call.endpoint.is_tray and isinstance(result, NotFound) and errors.is_empty_tray(reply):
            return InterpretedResponse(reply, (), b"[]", charge.amount, charge.in_doubt)
        return InterpretedResponse(reply, result, reply.body, charge.amount, charge.in_doubt)

    def _read(self, call: Call, reply: Reply, charge: Charge) -> Value | GatewayError:
        def report(paths: tuple[str, ...]) -> None:
            self._hook(ResponseSchemaMismatch(call.endpoint.label, paths[:MOST_PATHS]))

        try:
            value = decoding.read(call, reply.body, report)
        except UpstreamInvalidAnswer:
            return errors.told_instead(reply, call.subject, charge.amount)
        if decoding.is_asked(call, value):
            return value
        return _renamed(call, value) or invalid_answer(call.subject)

    def _compare_price(self, call: Call, charge: Charge) -> None:
        if charge.named is None or charge.named == call.nominal_price:
            return
        kind = PriceMismatch if charge.is_believed else PriceDisbelieved
        if self._reported_prices.allows((kind, call.endpoint, call.forced)):
            self._hook(kind(call.endpoint.label, call.nominal_price, charge.named))

    def _adopt_rate(self, interpreted: InterpretedResponse[Balance]) -> None:
        rate = interpreted.result.rate if isinstance(interpreted.result, Balance) else None
        if self._opening is not None and rate is not None and 0 < rate <= FASTEST:
            self._client.limiter.change(rate / self._sharers)


def _interpret_balance(reply: Reply) -> InterpretedResponse[Balance]:
    subject = "the account's balance"
    result: Balance | GatewayError | None = errors.error_from_response(reply, subject) or _read_balance(reply.body)
    result = result or errors.told_instead(reply, subject)
    if isinstance(result, Missing):
        result = invalid_answer(subject)
    return InterpretedResponse(reply, result, reply.body, charged=0, in_doubt=False)


def _read_balance(body: bytes) -> Balance | None:
    try:
        return read_as(BALANCE, body)
    except decoding.UndecodableResponse:
        return None


def _renamed(call: Call, value: Value) -> Renamed | None:
    """Return Renamed if a look-up by user name returned one user with another name, otherwise None."""
    match value:
        case Profile():
            users: list[UserSummary] = [value]
        case tuple():
            users = [entry.owner for entry in value if entry.owner is not None]
        case LoadedHighlight() | Item():
            return None
        case _:
            assert_never(value)
    found = {user.username: user.id for user in users if user.username is not None}
    if call.endpoint not in BY_NAME or len(found) != 1 or len({user.id for user in users}) != 1:
        return None
    ((username, id),) = found.items()
    return Renamed(f"User '{call.key}' is now called '{username}'.", id=id, username=username)
