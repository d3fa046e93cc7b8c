"""The one way to the upstream: a place in line, the rate, the breaker, one exchange, and the decision to try again.

It knows HTTP, not the contract: a `ResponseInterpreter` says what a reply means and what it cost.
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

from gateway.clock import Clock
from gateway.errors import GatewayError, forget_frames
from gateway.events import AnswerTooLarge, Hook, UpstreamAttempt
from gateway.scheduling import turns
from gateway.upstream.client.availability import Access
from gateway.upstream.client.bodies import LARGEST, MOST_LARGE, TURN, Place
from gateway.upstream.client.circuit_breaker import Breaker
from gateway.upstream.client.exchange import TOO_MANY, Failure, Reply, exchange
from gateway.upstream.client.rate_limiter import RateLimiter


@dataclass(frozen=True, slots=True)
class Policy:
    """How the upstream is asked. Times are in seconds.

    connect       until a connection stands, waiting for a free one included
    read          between two pieces of an answer; a failing look-up takes the upstream about 10
    deadline      for one call with all its attempts and waits
    answer        a request is not sent with less than this left: it would be charged, and nobody would hear the answer
    opening       for the question for the account's rate, before the first call
    keep_alive    of an idle connection: less than the 5 after which many servers close theirs
    concurrency   requests on their way at once
    attempts      of one call, the first included
    backoff       before the second attempt, then doubling; jitter is added, up to `longest_wait`
    jitter        at most this much more of any wait before an attempt
    pause         after a 429 that names no time
    longest_wait  of a backoff, and of what one 429 may stop everybody for
    failures      in a row that open the breaker
    cool_down     until the opened breaker lets a probe pass
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
# Of the event loop, between two large bodies: as many as a connection takes from its opening to its answer.
TURNS = 4


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InterpretedResponse(Generic[T]):
    """What a reply means. `charged` is in billed requests; `in_doubt` says that it is a guess, made on the high side.

    `body` is what `result` was read from.
    """

    reply: Reply
    result: T | GatewayError
    body: bytes
    charged: int
    in_doubt: bool

    @property
    def code(self) -> str | None:
        """Of the error, for the attempt's event."""
        return self.result.code if isinstance(self.result, GatewayError) else None

    def value(self) -> T:
        """The result. Raises the GatewayError that it may be."""
        if not isinstance(self.result, GatewayError):
            return self.result
        try:
            raise self.result
        finally:
            del self  # the traceback holds this frame, which would hold the error


ResponseInterpreter = Callable[[Reply], InterpretedResponse[T]]


class _Again(Exception):
    """Carries a transient verdict through stamina, which retries exceptions only. Without text: stamina may log it."""

    def __init__(self, verdict: InterpretedResponse[Any]) -> None:
        super().__init__()
        self.verdict = verdict


def silence_retries() -> None:
    """Stamina logs each retry by default; here every attempt is an event already."""
    stamina.instrumentation.set_on_retry_hooks([])


class UpstreamClient:
    """All requests to one upstream pass here."""

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
    ) -> None:
        """`access` is told what came of each request, where the key of all of them is one."""
        self.limiter = RateLimiter(rate, clock)
        self._transport = transport
        self._policy = policy
        self._clock = clock
        self._hook = hook
        self._access = access
        self._slots = asyncio.Semaphore(policy.concurrency)
        self._places = asyncio.Semaphore(MOST_LARGE)
        self._judging = asyncio.Lock()
        self._breaker = Breaker(
            failures=policy.failures, cool_down=policy.cool_down, clock=clock, hook=hook, upstream=upstream
        )
        # No timeout of stamina's own: it would read the wall clock. `_again` keeps the deadline.
        self._retry = stamina.AsyncRetryingCaller(
            attempts=policy.attempts,
            timeout=None,
            wait_initial=policy.backoff,
            wait_jitter=policy.jitter,
            wait_max=policy.longest_wait,
        )

    async def ask(
        self, request: httpx.Request, label: str, judge: ResponseInterpreter[T]
    ) -> tuple[InterpretedResponse[T], int]:
        """The last verdict and the number of requests sent, within the policy's attempts and deadline."""
        deadline = self._clock.monotonic() + self._policy.deadline
        verdict = await self.try_once(request, label, judge, deadline=deadline)
        sent = int(verdict.reply.was_sent)
        if not verdict.reply.is_transient:  # nearly always; stamina takes as long as sending a request does
            return verdict, sent
        first: InterpretedResponse[T] | None = verdict

        async def attempt() -> InterpretedResponse[T]:
            nonlocal sent, first
            again, first = first, None
            if again is None:
                again = await self.try_once(request, label, judge, deadline=deadline, attempt=sent + 1)
                sent += again.reply.was_sent
            if again.reply.is_transient:
                raise _Again(again)
            return again

        try:
            return await self._retry(partial(self._again, deadline), attempt), sent
        except _Again as last:
            verdict = last.verdict
            del last.verdict  # what stamina and tenacity make for a call stays in a cycle, with the exception in it
            forget_frames(last)
            return verdict, sent

    async def try_once(
        self, request: httpx.Request, label: str, judge: ResponseInterpreter[T], *, deadline: float, attempt: int = 1
    ) -> InterpretedResponse[T]:
        """One request in its turn. Each one that is sent is an UpstreamAttempt, a cancelled one too."""
        if (refusal := self._refusal()) is not None:
            return judge(refusal)
        try:
            await self._wait_for_turn(deadline)
        except TimeoutError:
            return judge(Reply(failure=Failure.QUEUED))
        began = self._clock.monotonic()
        place = Place(self._places)
        try:
            verdict = await self._judged(judge, await self._send(request, place, deadline))
        except asyncio.CancelledError:
            lost = judge(Reply(failure=Failure.SILENT, seconds=self._clock.monotonic() - began))
            self._tell(label, attempt, lost, "CANCELLED")
            raise
        finally:
            place.leave()
            self._slots.release()
        if verdict.reply.was_sent:
            self._tell(label, attempt, verdict, verdict.code)
            if self._access is not None:
                problem = verdict.result if isinstance(verdict.result, GatewayError) else None
                is_charged = verdict.charged > 0 and not verdict.in_doubt
                self._access.note(problem, status=verdict.reply.status, is_charged=is_charged)
        return verdict

    async def _judged(self, judge: ResponseInterpreter[T], reply: Reply) -> InterpretedResponse[T]:
        """To read a large body takes its time: others have their turn before each."""
        if len(reply.body) <= TURN:
            return judge(reply)
        async with self._judging:
            await turns(TURNS)
            return judge(reply)

    async def aclose(self) -> None:
        await self._transport.aclose()

    def _again(self, deadline: float, error: Exception) -> bool | float:
        """Stamina's backoff hook: no, yes after its own backoff, or yes after that many seconds."""
        if not isinstance(error, _Again):
            return False
        left = deadline - self._clock.monotonic() - self._policy.answer
        named = error.verdict.reply.retry_after
        if named is None:
            return left > self._policy.longest_wait
        # Jitter on top, lest all who were told the same second come back in it.
        wait = named + random.uniform(0, self._policy.jitter)  # noqa: S311 (no secret)
        return wait if wait < left else False

    async def _wait_for_turn(self, deadline: float) -> None:
        """Takes a slot, then a token: the other way round tokens would pile up behind busy slots and go out at once.

        Raises TimeoutError.
        """
        left = deadline - self._clock.monotonic() - self._policy.answer
        if left > 0 and not self._slots.locked() and self.limiter.take():
            await self._slots.acquire()  # at once
            return
        async with asyncio.timeout(left):
            await self._slots.acquire()
            try:
                await self.limiter.acquire()
            except BaseException:
                self._slots.release()
                raise

    def _refusal(self) -> Reply | None:
        wait = self._breaker.refuses()
        return None if wait is None else Reply(failure=Failure.REFUSED, retry_after=wait)

    async def _send(self, request: httpx.Request, place: Place, deadline: float) -> Reply:
        if (refusal := self._refusal()) is not None:
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
        """One request too many: everybody waits a while, and the caller is told how long."""
        seconds = self._policy.pause if reply.retry_after is None else reply.retry_after
        self.limiter.pause(min(seconds, self._policy.longest_wait))
        return replace(reply, retry_after=seconds)

    def _tell(self, label: str, attempt: int, verdict: InterpretedResponse[T], error: str | None) -> None:
        reply = verdict.reply
        self._hook(UpstreamAttempt(label, attempt, reply.status, verdict.charged, reply.seconds, error))
        if reply.failure is Failure.OVERSIZED:
            self._hook(AnswerTooLarge(label, LARGEST))
