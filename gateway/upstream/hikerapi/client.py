"""The client of the read API, which returns the outcome and the charge of each call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import httpx

from gateway.clock import Clock
from gateway.domain.proxies import Proxy
from gateway.errors import GatewayError, NotFound, Renamed, UpstreamInvalidAnswer, UpstreamRejected
from gateway.events import EventLimit, Hook, PriceDisbelieved, PriceMismatch, ResponseSchemaMismatch
from gateway.reads.endpoints import Call, Endpoints
from gateway.reads.facts import Value
from gateway.reads.port import Balance, ReadOutcome, SharedRate
from gateway.upstream.client.availability import Access
from gateway.upstream.client.client import STANDARD, InterpretedResponse, Policy, UpstreamClient
from gateway.upstream.client.errors import invalid_answer
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.client.network import over_network
from gateway.upstream.client.prepared_requests import GetRequestFactory, PreparedGet
from gateway.upstream.hikerapi import balance, errors
from gateway.upstream.hikerapi.endpoints import ENDPOINTS
from gateway.upstream.hikerapi.fallbacks import EndpointChoice
from gateway.upstream.hikerapi.headers import headers
from gateway.upstream.hikerapi.hiker_endpoint import HikerEndpoint

FASTEST = 1_000  # requests a second: the highest rate of an account that is believed
PAID_RATE = 15.0  # requests a second of all paid plans, used if the account names none
REPORT_SECONDS = 3_600.0  # between two events about the price of one kind of call
MOST_PATHS = 20  # of a schema mismatch that are reported: a change upstream affects every item of a response


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
    shared_rate: SharedRate | None = None,
) -> HikerApi:
    """Return a client of the API at `base_url`. `rate` is in requests a second; None means the account's own limit.

    `sharers` is the number of processes that divide this rate equally, unless they take turns by `shared_rate`.
    """
    if transport is None:
        transport = over_network(connections=policy.concurrency, keep_alive=policy.keep_alive, proxy=proxy)
    timeouts = {"connect": policy.connect, "read": policy.read, "write": policy.read, "pool": policy.connect}
    access = Access("reading", key="GATEWAY_HIKERAPI_KEY", url="GATEWAY_HIKERAPI_URL", clock=clock, hook=hook)
    sharers = sharers if shared_rate is None else 1
    part = (PAID_RATE if rate is None else rate) / sharers
    client = UpstreamClient(
        transport, policy=policy, rate=part, clock=clock, hook=hook, access=access, shared_rate=shared_rate
    )
    return HikerApi(
        client,
        GetRequestFactory(base_url, headers(key), timeouts),
        clock=clock,
        hook=hook,
        opening=policy.opening if rate is None else None,
        sharers=sharers,
    )


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
        self._choice = EndpointChoice(hook)
        self._reported_prices = EventLimit(REPORT_SECONDS, clock)

    async def start(self) -> None:
        """Look up the account's rate once, unless one was given. Without a result the paid plans' rate applies."""
        if self._is_open:
            return
        async with self._start:
            if not self._is_open:
                deadline = self._clock.monotonic() + (self._opening or 0.0)
                request = self._request(balance.TARGET)
                self._adopt_rate(await self._client.try_once(request, "balance", balance.interpret, deadline=deadline))
                self._is_open = True

    async def fetch(self, call: Call) -> ReadOutcome:
        """Make `call` and return its outcome. Raises only CancelledError."""
        began = self._clock.monotonic()
        await self.start()
        interpreted, attempts = await self._ask(call)
        result, seconds, waited = interpreted.result, self._clock.monotonic() - began, interpreted.waited
        charged, in_doubt = interpreted.charged, interpreted.in_doubt
        if isinstance(result, Renamed):  # the response was paid for, and can serve requests by id
            value = call.read(interpreted.body)
            return ReadOutcome(call, value, interpreted.body, result, charged, in_doubt, seconds, attempts, waited)
        if isinstance(result, GatewayError):
            result.subject = call.subject
            return ReadOutcome(call, None, b"", result, charged, in_doubt, seconds, attempts, waited)
        return ReadOutcome(call, result, interpreted.body, None, charged, in_doubt, seconds, attempts, waited)

    async def _ask(self, call: Call) -> tuple[InterpretedResponse[Value], int]:
        """Make `call` at its endpoint, or at the first fallback that the upstream has not retired."""
        row = _endpoint(call)
        endpoint: HikerEndpoint | None = self._choice.of(row)
        attempts, waited = 0, 0.0
        while endpoint is not None and endpoint.issued(call.cursor):
            request, interpret = self._request(endpoint.target(call)), partial(self._interpret, call, endpoint)
            interpreted, more = await self._client.ask(request, endpoint.label, interpret)
            attempts, waited = attempts + more, waited + interpreted.waited
            endpoint = self._choice.after(row, endpoint, interpreted.reply)
            if endpoint is None:
                is_all = waited == interpreted.waited  # nearly always: there was no fallback
                return interpreted if is_all else replace(interpreted, waited=waited), attempts
        problem = errors.cursor_expired(call.subject, 0, call.nominal_price)
        return InterpretedResponse(Reply(), problem, b"", charged=0, in_doubt=False), attempts

    async def balance(self) -> Balance:
        """Return the balance, free of charge, and adopt its rate unless one was given. Raises UpstreamError."""
        interpreted, _ = await self._client.ask(self._request(balance.TARGET), "balance", balance.interpret)
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
        if isinstance(problem, UpstreamRejected) and reply.status == 400 and call.continues:
            problem = errors.cursor_expired(call.subject, charge.amount, call.nominal_price)
        result, body = (problem, b"") if problem else self._read(call, endpoint, reply, charge)
        if endpoint.is_empty is not None and isinstance(result, NotFound) and endpoint.is_empty(reply):
            body = endpoint.empty_list
            result = call.read(body)
        return InterpretedResponse(reply, result, body, charge.amount, charge.in_doubt)

    def _read(
        self, call: Call, endpoint: HikerEndpoint, reply: Reply, charge: errors.Charge
    ) -> tuple[Value | GatewayError, bytes]:
        """Return the value, and the body that it is decoded from; or the error that stands in its place."""

        def report(paths: tuple[str, ...]) -> None:
            self._hook(ResponseSchemaMismatch(endpoint.label, paths[:MOST_PATHS]))

        try:
            body = endpoint.flat(call, reply.body)
            value: Value = endpoint.decoder.read(call, body, report)
        except (UpstreamInvalidAnswer, UndecodableResponse):
            return errors.error_instead(reply, call.subject, charge.amount), b""
        if endpoint.decoder.is_about(call, value):
            return value, body
        return _renamed(call, endpoint, value) or invalid_answer(call.subject), body

    def _compare_price(self, call: Call, charge: errors.Charge) -> None:
        if charge.named is None or charge.named == call.nominal_price:
            return
        kind = PriceMismatch if charge.is_believed else PriceDisbelieved
        if self._reported_prices.allows((kind, call.endpoint, call.forced)):
            self._hook(kind(call.endpoint.label, call.nominal_price, charge.named))

    def _adopt_rate(self, interpreted: InterpretedResponse[Balance]) -> None:
        rate = interpreted.result.rate if isinstance(interpreted.result, Balance) else None
        if self._opening is not None and rate is not None and 0 < rate <= FASTEST:
            self._client.bucket.change(rate / self._sharers)


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
