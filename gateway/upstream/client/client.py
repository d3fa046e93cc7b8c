"""The HTTP client of an upstream: queue, rate limit, circuit breaker, one exchange, and retries.

It knows HTTP, not the API: a `ResponseInterpreter` returns the meaning and the cost of a reply.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import httpx
import stamina

from gateway.call_events import RequestShed, UpstreamQueueChanged
from gateway.clock import Clock
from gateway.errors import GatewayError
from gateway.events import AnswerTooLarge, Hook, UpstreamAttempt
from gateway.queue_place import QUEUE_CLIENT, QUEUE_PLACE, QueuePlace
from gateway.reads.port import SharedRate
from gateway.scheduling import turns
from gateway.tracebacks import forget_frames
from gateway.upstream.client.availability import Access
from gateway.upstream.client.bodies import LARGEST, MOST_LARGE, TURN, LargeBodySlot
from gateway.upstream.client.circuit_breaker import Breaker
from gateway.upstream.client.exchange import TOO_MANY, Failure, Reply, exchange
from gateway.upstream.client.request_queue import HopelessWait, RequestQueue
from gateway.upstream.client.shared_rate import shared_turn
from gateway.upstream.client.token_bucket import TokenBucket


@dataclass(frozen=True, slots=True)
class Policy:
    """Timeouts, retries and limits of an upstream client. Times are in seconds.

    connect       until a connection is established, waiting for a free one included
    read          between two pieces of a response; a failing look-up takes the upstream about 10
    deadline      for one call with all its attempts and waits
    answer        minimum time left to send a request: with less it would be charged, and its response discarded
    opening       for the look-up of the account's rate, before the first call
    keep_alive    of an idle connection: less than the 5 after which many servers close theirs
    concurrency   requests in flight at once
    attempts      of one call, the first included
    backoff       before the second attempt, then doubling; jitter is added, up to `longest_wait`
    jitter        the most that is added to any wait before an attempt
    pause         after a 429 without a Retry-After
    longest_wait  of a backoff, and of the pause of all requests after one 429
    failures      in a row that open the breaker
    cool_down     until the open breaker lets a probe pass
    """

    connect: float = 5.0
    read: float = 20.0
    deadline: float = 45.0
    answer: float = 2.0
    opening: float = 5.0
    keep_alive: float = 4.0
    concurrency: int = 64
    attempts: int = 3
    backoff: float = 0.2
    jitter: float = 0.5
    pause: float = 1.0
    longest_wait: float = 5.0
    failures: int = 10
    cool_down: float = 5.0


STANDARD = Policy()
# Turns of the event loop between two large bodies: as many as a connection takes from its opening to its response.
TURNS = 4


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InterpretedResponse(Generic[T]):
    """The meaning of a reply. `charged` is in billed requests; `in_doubt` marks an estimate on the high side.

    `body` is the JSON that `result` was decoded from. `waited` is how long the requests waited for their turn, in
    seconds.
    """

    reply: Reply
    result: T | GatewayError
    body: bytes
    charged: int
    in_doubt: bool
    waited: float = 0.0

    @property
    def code(self) -> str | None:
        """The error's code, for the attempt's event."""
        return self.result.code if isinstance(self.result, GatewayError) else None

    def value(self) -> T:
        """Return the result, or raise it if it is a GatewayError."""
        if not isinstance(self.result, GatewayError):
            return self.result
        try:
            raise self.result
        finally:
            del self  # the traceback holds this frame, which would hold the error


ResponseInterpreter = Callable[[Reply], InterpretedResponse[T]]


class _RetryableResult(Exception):
    """A transient result, as an exception because stamina retries nothing else. It has no text: stamina may log it."""

    def __init__(self, interpreted: InterpretedResponse[Any]) -> None:
        super().__init__()
        self.interpreted = interpreted


def silence_retries() -> None:
    """Disable stamina's retry logs: every attempt is already an event."""
    stamina.instrumentation.set_on_retry_hooks([])


class UpstreamClient:
    """The client of one upstream, which sends all requests to it."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        *,
        policy: Policy,
        rate: float,
        clock: Clock,
        hook: Hook,
        upstream: str = "reading",
        access: Access | None = None,
        shared_rate: SharedRate | None = None,
    ) -> None:
        """Create a client. `access` records the result of each request, if all requests share one key.

        `shared_rate` is the bucket of all processes, if there is one; then `rate` is that of all of them.
        """
        self._shared_rate = shared_rate
        self.bucket = TokenBucket(rate, clock)
        self._queue = RequestQueue(self.bucket, policy.concurrency, clock, patience=policy.deadline - policy.answer)
        self._waiting = 0
        self._transport = transport
        self._policy = policy
        self._clock = clock
        self._hook = hook
        self._upstream = upstream
        self._access = access
        self._large_slots = asyncio.Semaphore(MOST_LARGE)
        self._decoding = asyncio.Lock()
        self._breaker = Breaker(
            failures=policy.failures, cool_down=policy.cool_down, clock=clock, hook=hook, upstream=upstream
        )
        # No timeout in stamina, which would read the wall clock: `_backoff` keeps the deadline.
        self._retry = stamina.AsyncRetryingCaller(
            attempts=policy.attempts,
            timeout=None,
            wait_initial=policy.backoff,
            wait_jitter=policy.jitter,
            wait_max=policy.longest_wait,
        )

    async def ask(
        self, request: httpx.Request, label: str, interpret: ResponseInterpreter[T]
    ) -> tuple[InterpretedResponse[T], int]:
        """Send `request` with retries. Return the last result and the number of requests sent."""
        deadline = self._clock.monotonic() + self._policy.deadline
        interpreted = await self.try_once(request, label, interpret, deadline=deadline)
        sent = int(interpreted.reply.was_sent)
        if not interpreted.reply.is_transient:  # nearly always; stamina takes as long as sending a request does
            return interpreted, sent
        first: InterpretedResponse[T] | None = interpreted
        waited = interpreted.waited

        async def attempt() -> InterpretedResponse[T]:
            nonlocal sent, first, waited
            current, first = first, None
            if current is None:
                current = await self.try_once(request, label, interpret, deadline=deadline, attempt=sent + 1)
                sent += current.reply.was_sent
                waited += current.waited
            if current.reply.is_transient:
                raise _RetryableResult(current)
            return current

        try:
            return replace(await self._retry(partial(self._backoff, deadline), attempt), waited=waited), sent
        except _RetryableResult as last:
            interpreted = last.interpreted
            del last.interpreted  # stamina's and tenacity's objects form a reference cycle that holds the exception
            forget_frames(last)
            return replace(interpreted, waited=waited), sent

    async def try_once(
        self,
        request: httpx.Request,
        label: str,
        interpret: ResponseInterpreter[T],
        *,
        deadline: float,
        attempt: int = 1,
    ) -> InterpretedResponse[T]:
        """Send one request within the limits. Emit an UpstreamAttempt if it was sent, also if it was cancelled."""
        if (refusal := self._breaker_reply()) is not None:
            return interpret(refusal)
        queued_at = self._clock.monotonic()
        try:
            waited = await self._wait_for_turn(deadline) + await self._wait_for_others(deadline)
        except HopelessWait as shed:
            self._hook(RequestShed(self._upstream, shed.client.id, shed.retry_after))
            return interpret(Reply(failure=Failure.SHED, retry_after=shed.retry_after))
        except TimeoutError:
            refused = interpret(Reply(failure=Failure.QUEUED))
            return replace(refused, waited=self._clock.monotonic() - queued_at)
        began = self._clock.monotonic()
        place = LargeBodySlot(self._large_slots)
        try:
            interpreted = await self._interpret(interpret, await self._send(request, place, deadline))
        except asyncio.CancelledError:
            cancelled = interpret(Reply(failure=Failure.SILENT, seconds=self._clock.monotonic() - began))
            self._emit_attempt(label, attempt, cancelled, "CANCELLED", waited)
            raise
        finally:
            place.leave()
            self._queue.release()
        if interpreted.reply.was_sent:
            self._emit_attempt(label, attempt, interpreted, interpreted.code, waited)
            if self._access is not None:
                problem = interpreted.result if isinstance(interpreted.result, GatewayError) else None
                is_charged = interpreted.charged > 0 and not interpreted.in_doubt
                self._access.note(problem, status=interpreted.reply.status, is_charged=is_charged)
        return replace(interpreted, waited=waited) if waited else interpreted

    async def _interpret(self, interpret: ResponseInterpreter[T], reply: Reply) -> InterpretedResponse[T]:
        """Interpret a reply. Large bodies are decoded one at a time, and other tasks run before each."""
        if len(reply.body) <= TURN:
            return interpret(reply)
        async with self._decoding:
            await turns(TURNS)
            return interpret(reply)

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _backoff(self, deadline: float, error: Exception) -> bool | float:
        """Return False for no retry, True for one after stamina's backoff, or the seconds before it."""
        if not isinstance(error, _RetryableResult):
            return False
        left = deadline - self._clock.monotonic() - self._policy.answer
        retry_after = error.interpreted.reply.retry_after
        if retry_after is None:
            return left > self._policy.longest_wait
        # Jitter is added so that callers with the same Retry-After do not retry in the same second.
        wait = retry_after + random.uniform(0, self._policy.jitter)  # nosec B311 # noqa: S311 (no secret)
        return wait if wait < left else False

    async def _wait_for_turn(self, deadline: float) -> float:
        """Take a slot and a token, and return the seconds waited.

        Raises HopelessWait at once, and TimeoutError, also for a withdrawn request.
        """
        began = self._clock.monotonic()
        left = deadline - began - self._policy.answer
        if left > 0 and self._queue.take():
            return 0.0
        place = QUEUE_PLACE.get() or QueuePlace(QUEUE_CLIENT.get())
        self._queue.check(place, left)
        client, is_late = place.clients[0].id, False
        self._emit_queued(1, client)
        try:
            await self._queue.wait(place, left)
        except TimeoutError:
            is_late = not place.is_withdrawn
            raise
        finally:
            waited = self._clock.monotonic() - began
            self._emit_queued(-1, client, waited, is_late=is_late)
        return waited

    async def _wait_for_others(self, deadline: float) -> float:
        """Wait for the turn among all processes, with the slot of the request, which is released if it is not sent.

        Raise TimeoutError at once if the turn comes too late.
        """
        if self._shared_rate is None:
            return 0.0
        try:
            left = deadline - self._clock.monotonic() - self._policy.answer
            return await shared_turn(self._shared_rate, self.bucket, self._clock, left)
        except BaseException:
            self._queue.release()
            raise

    def _emit_queued(self, more: int, client: str, waited: float | None = None, *, is_late: bool = False) -> None:
        self._waiting += more
        self._hook(UpstreamQueueChanged(self._upstream, self._waiting, client, waited, is_late))

    def _breaker_reply(self) -> Reply | None:
        wait = self._breaker.refuses()
        return None if wait is None else Reply(failure=Failure.REFUSED, retry_after=wait)

    async def _send(self, request: httpx.Request, place: LargeBodySlot, deadline: float) -> Reply:
        if (refusal := self._breaker_reply()) is not None:
            return refusal
        ticket = self._breaker.enter()
        healthy = None
        try:
            reply = await exchange(self._transport, request, place, deadline=deadline, clock=self._clock)
            healthy = reply.failure in (None, Failure.OVERSIZED) and not reply.is_trouble
        finally:
            self._breaker.settle(ticket, healthy)
        return self._slow_down(reply) if reply.status == TOO_MANY else reply

    def _slow_down(self, reply: Reply) -> Reply:
        """Pause all requests after a 429, and return the reply with the seconds to wait."""
        seconds = self._policy.pause if reply.retry_after is None else reply.retry_after
        self.bucket.pause(min(seconds, self._policy.longest_wait))
        return replace(reply, retry_after=seconds)

    def _emit_attempt(
        self, label: str, attempt: int, interpreted: InterpretedResponse[T], error: str | None, waited: float
    ) -> None:
        reply, charged = interpreted.reply, interpreted.charged
        self._hook(UpstreamAttempt(label, attempt, reply.status, charged, reply.seconds, error, self._upstream, waited))
        if reply.failure is Failure.OVERSIZED:
            self._hook(AnswerTooLarge(label, LARGEST))
