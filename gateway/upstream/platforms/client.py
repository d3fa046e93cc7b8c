"""The client of a publishing upstream: one attempt per call, interpreted and decoded. Workflows own the retries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
import msgspec

from gateway.clock import Clock
from gateway.domain.publishing import FiledMedium
from gateway.errors import GatewayError, MediumRefused, PublishingRejected, UpstreamRateLimited, UpstreamRejected
from gateway.events import Hook, ResponseSchemaMismatch
from gateway.upstream.client import decoding, errors
from gateway.upstream.client.bodies import ACCEPTED
from gateway.upstream.client.client import InterpretedResponse, Policy, UpstreamClient
from gateway.upstream.client.exchange import Reply
from gateway.upstream.client.lenient_decoding import UndecodableResponse
from gateway.upstream.client.multipart import FileForm
from gateway.upstream.client.throttle import Throttle
from gateway.version import user_agent

T = TypeVar("T")
W = TypeVar("W")

MOST_PATHS = 20  # of a schema mismatch that are reported


@dataclass(frozen=True, slots=True)
class PublishingPolicy(Policy):
    """Timeouts and limits of the publishing client.

    slowest_upload  bytes a second: the deadline is extended by the time that a file takes at this rate
    """

    read: float = 120.0
    deadline: float = 150.0
    concurrency: int = 16
    slowest_upload: float = 200_000.0


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """One request. `subject` is its name in a sentence, `label` its name in events.

    `target` is its path, with a query that holds no secret; `query` is one that does. At most one of `json`, `form` and
    `file` is set; `fields` are sent with the file. `key` is its idempotency key. Members that may hold a token or a
    signed URL are left out of `repr`. `is_question`: it reads `subject` and changes nothing.
    """

    method: str
    target: str
    label: str
    subject: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Mapping[str, str] | None = field(default=None, repr=False)
    json: Mapping[str, Any] | None = field(default=None, repr=False)
    form: Mapping[str, str | Sequence[str]] | None = field(default=None, repr=False)
    file: FiledMedium | None = None
    fields: Mapping[str, str] | None = None
    key: str = ""
    is_question: bool = False

    @property
    def route(self) -> str:
        """Method and path, without the base URL and the query."""
        return f"{self.method} {self.target.partition('?')[0]}"


class PublishingClient:
    """A client of one upstream. `refusal` is the dialect's: it returns the error of a reply, or None for a success."""

    def __init__(
        self,
        upstream: UpstreamClient,
        *,
        base_url: str,
        refusal: Callable[[Reply, RequestSpec], GatewayError | None],
        pace: PublishingPolicy,
        clock: Clock,
        hook: Hook,
    ) -> None:
        self._upstream = upstream
        self._base = base_url.rstrip("/")
        self._refusal = refusal
        self._policy = pace
        self._clock = clock
        self._hook = hook
        self._throttle = Throttle(upstream.bucket, clock)
        self._headers = {
            "user-agent": user_agent(),
            "accept": "application/json",
            "accept-encoding": ACCEPTED,
        }

    async def carry(self, account: str, spec: RequestSpec, read: Callable[[Reply], T]) -> T:
        """Send a request and return the result of `read`, which may raise UndecodableResponse or a GatewayError.

        Raises UpstreamError, PublishingError and NotFound.
        """
        if (wait := self._throttle.closed(account)) is not None:
            raise UpstreamRateLimited(f"The platform takes nothing for now, so {spec.subject} waits.", retry_after=wait)
        request, size = self._request(spec)
        deadline = self._clock.monotonic() + self._policy.deadline + size / self._policy.slowest_upload
        interpret = partial(self._interpret, account, spec, read)
        return (await self._upstream.try_once(request, spec.label, interpret, deadline=deadline)).value()

    async def fetch(
        self, account: str, spec: RequestSpec, decoder: msgspec.json.Decoder[W], make: Callable[[W, Reply], T]
    ) -> T:
        """Send a request, decode the response leniently, and return the result of `make`.

        Schema mismatches are emitted as events. Raises the errors of `carry`.
        """

        def report(paths: tuple[str, ...]) -> None:
            self._hook(ResponseSchemaMismatch(spec.label, paths[:MOST_PATHS]))

        return await self.carry(account, spec, lambda reply: make(decoding.read_as(decoder, reply.body, report), reply))

    async def aclose(self) -> None:
        await self._upstream.aclose()

    def _interpret(
        self, account: str, spec: RequestSpec, read: Callable[[Reply], T], reply: Reply
    ) -> InterpretedResponse[T]:
        self._throttle.hear(account, reply.headers)
        error = self._refusal(reply, spec)
        if spec.is_question and isinstance(error, PublishingRejected):
            # A read changes nothing, so its rejection says nothing about the object.
            error = UpstreamRejected(f"The platform did not accept a question about {spec.subject}.")
        result = self._read(spec, read, reply) if error is None else error
        if reply.was_sent and isinstance(result, UpstreamRateLimited) and result.retry_after is not None:
            self._throttle.close(account, result.retry_after)
        return InterpretedResponse(reply, result, b"", charged=0, in_doubt=False)

    def _read(self, spec: RequestSpec, read: Callable[[Reply], T], reply: Reply) -> T | GatewayError:
        try:
            return read(reply)
        except UndecodableResponse:
            return errors.invalid_answer(spec.subject)
        except GatewayError as error:
            return error

    def _request(self, spec: RequestSpec) -> tuple[httpx.Request, int]:
        """Return the HTTP request and its size in bytes, 0 without a file. Raises MediumRefused for a missing file."""
        policy = self._policy
        timeouts = {"connect": policy.connect, "read": policy.read, "write": policy.read, "pool": policy.connect}
        make = partial(httpx.Request, spec.method, self._base + spec.target, extensions={"timeout": timeouts})
        headers = {**self._headers, **spec.headers}
        if spec.file is None:
            return make(headers=headers, params=spec.query, json=spec.json, data=spec.form), 0
        try:
            form = FileForm(spec.fields or {}, spec.file.path, spec.file.content_type, seed=spec.key)
        except OSError:
            raise MediumRefused("The file of this medium is no longer kept.") from None
        headers |= {"content-type": form.content_type, "content-length": str(form.size)}
        return make(headers=headers, content=form), form.size
