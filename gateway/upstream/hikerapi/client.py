"""The client of the read API, which returns the outcome and the charge of each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import httpx
import msgspec

from gateway.clock import Clock
from gateway.domain.proxies import Proxy
from gateway.errors import GatewayError, Missing, NotFound, Renamed, UpstreamInvalidAnswer
from gateway.events import EventLimit, Hook, PriceDisbelieved, PriceMismatch, ResponseSchemaMismatch
from gateway.reads.endpoints import Call, Endpoints
from gateway.reads.facts import Value
from gateway.reads.port import Balance, ReadOutcome
from gateway.upstream.client.availability import Access
from gateway.upstream.client.bodies import ACCEPTED
from gateway.upstream.client.client import STANDARD, InterpretedResponse, Policy, UpstreamClient
from gateway.upstream.client.decoding import read_as
from gateway.upstream.client.errors import invalid_answer
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.client.network import over_network
from gateway.upstream.client.prepared_requests import GetRequestFactory, PreparedGet
from gateway.upstream.hikerapi import errors
from gateway.upstream.hikerapi.endpoints import ENDPOINTS, HikerEndpoint
from gateway.upstream.hikerapi.errors import Charge
from gateway.version import user_agent

FASTEST = 1_000  # requests a second: the highest rate of an account that is believed
PAID_RATE = 15.0  # requests a second of all paid plans, used if the account names none
REPORT_SECONDS = 3_600.0  # between two events about the price of one kind of call
MOST_PATHS = 20  # of a schema mismatch that are reported: a change upstream affects every item of a response


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
    return {"x-access-key": key, "user-agent": user_agent(), "accept": "application/json", "accept-encoding": ACCEPTED}


class HikerApi:
    """The client that `connect` returns. `opening` is the timeout of the rate look-up; None: the rate was given."""

    endpoints: Endpoints[HikerEndpoint] = ENDPOINTS

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
        self._reported_prices = EventLimit(REPORT_SECONDS, clock)

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
        endpoint = _endpoint(call)
        interpreted, attempts = await self._client.ask(
            self._request(endpoint.target(call)), endpoint.label, partial(self._interpret, call, endpoint)
        )
        result, seconds = interpreted.result, self._clock.monotonic() - began
        if isinstance(result, Renamed):  # the response was paid for, and can serve requests by id
            value = call.read(interpreted.body)
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

    def _interpret(self, call: Call, endpoint: HikerEndpoint, reply: Reply) -> InterpretedResponse[Value]:
        charge = errors.charge_from_response(reply, call.nominal_price)
        self._compare_price(call, charge)
        problem = errors.error_from_response(reply, call.subject, charge.amount)
        result = problem or self._read(call, endpoint, reply, charge)
        if endpoint.is_empty is not None and isinstance(result, NotFound) and endpoint.is_empty(reply):
            return InterpretedResponse(reply, (), b"[]", charge.amount, charge.in_doubt)
        return InterpretedResponse(reply, result, reply.body, charge.amount, charge.in_doubt)

    def _read(self, call: Call, endpoint: HikerEndpoint, reply: Reply, charge: Charge) -> Value | GatewayError:
        def report(paths: tuple[str, ...]) -> None:
            self._hook(ResponseSchemaMismatch(endpoint.label, paths[:MOST_PATHS]))

        try:
            value: Value = endpoint.decoder.read(call, reply.body, report)
        except UpstreamInvalidAnswer:
            return errors.error_instead(reply, call.subject, charge.amount)
        if endpoint.decoder.is_about(call, value):
            return value
        return _renamed(call, endpoint, value) or invalid_answer(call.subject)

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
    result = result or errors.error_instead(reply, subject)
    if isinstance(result, Missing):
        result = invalid_answer(subject)
    return InterpretedResponse(reply, result, reply.body, charged=0, in_doubt=False)


def _read_balance(body: bytes) -> Balance | None:
    try:
        return read_as(BALANCE, body)
    except UndecodableResponse:
        return None


def _endpoint(call: Call) -> HikerEndpoint:
    endpoint = call.endpoint
    assert isinstance(endpoint, HikerEndpoint), "the call is one of this API's"
    return endpoint


def _renamed(call: Call, endpoint: HikerEndpoint, value: Value) -> Renamed | None:
    """Return Renamed if a look-up by user name returned one user with another name, otherwise None."""
    users = endpoint.decoder.named_users(value)
    found = {user.username: user.id for user in users if user.username is not None}
    if not endpoint.by_name or len(found) != 1 or len({user.id for user in users}) != 1:
        return None
    ((username, id),) = found.items()
    return Renamed(f"User '{call.key}' is now called '{username}'.", id=id, username=username)
