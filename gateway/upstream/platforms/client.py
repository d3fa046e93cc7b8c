"""One attempt of one publishing call: through the line, judged, and its answer read. Retries belong to the flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
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

T = TypeVar("T")
W = TypeVar("W")

MOST_PATHS = 20  # of an answer's drift that are told


@dataclass(frozen=True, slots=True)
class PublishingPolicy(Policy):
    """How the publishing upstream is asked.

    slowest_upload  bytes a second that a file is given time for, beside the deadline
    """

    read: float = 120.0
    deadline: float = 150.0
    concurrency: int = 16
    slowest_upload: float = 200_000.0


@dataclass(frozen=True, slots=True)
class RequestSpec:
    """One request. `subject` is how a sentence names it, `label` how events do.

    `target` is its path, with a query if that holds nothing secret; `query` is one that does. At most one of `json`,
    `form` and `file` is set; `fields` go along with the file. `key` is its idempotency key. What may hold a token or a
    signed URL is left out of `repr`. `is_question`: it only looks at `subject`.
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
        """Without the address it is below, and without its query."""
        return f"{self.method} {self.target.partition('?')[0]}"


class PublishingClient:
    """`refusal` is the dialect's: the error that a reply to a request means, or None where its body is the answer."""

    def __init__(
        self,
        line: UpstreamClient,
        *,
        base_url: str,
        refusal: Callable[[Reply, RequestSpec], GatewayError | None],
        pace: PublishingPolicy,
        clock: Clock,
        hook: Hook,
    ) -> None:
        self._line = line
        self._base = base_url.rstrip("/")
        self._refusal = refusal
        self._pace = pace
        self._clock = clock
        self._hook = hook
        self._throttle = Throttle(line.limiter, clock)
        self._headers = {
            "user-agent": f"highlights-gateway/{version('highlights-gateway')}",
            "accept": "application/json",
            "accept-encoding": ACCEPTED,
        }

    async def carry(self, account: str, ask: RequestSpec, read: Callable[[Reply], T]) -> T:
        """What `read` makes of the answer; it may raise payloads.Unreadable, or a GatewayError that the answer means.

        Raises UpstreamError, PublishingError and NotFound.
        """
        if (wait := self._throttle.closed(account)) is not None:
            raise UpstreamRateLimited(f"The platform takes nothing for now, so {ask.subject} waits.", retry_after=wait)
        request, size = self._request(ask)
        deadline = self._clock.monotonic() + self._pace.deadline + size / self._pace.slowest_upload
        judge = partial(self._judge, account, ask, read)
        return (await self._line.try_once(request, ask.label, judge, deadline=deadline)).value()

    async def fetch(
        self, account: str, ask: RequestSpec, decoder: msgspec.json.Decoder[W], make: Callable[[W, Reply], T]
    ) -> T:
        """As `carry`; `make` is given the answer's body, decoded leniently: drift is told."""

        def tell(paths: tuple[str, ...]) -> None:
            self._hook(ResponseSchemaMismatch(ask.label, paths[:MOST_PATHS]))

        return await self.carry(account, ask, lambda reply: make(decoding.read_as(decoder, reply.body, tell), reply))

    async def aclose(self) -> None:
        await self._line.aclose()

    def _judge(
        self, account: str, ask: RequestSpec, read: Callable[[Reply], T], reply: Reply
    ) -> InterpretedResponse[T]:
        self._throttle.hear(account, reply.headers)
        no = self._refusal(reply, ask)
        if ask.is_question and isinstance(no, PublishingRejected):
            # Nothing was to be done, so nothing is the matter with what it would have been done to.
            no = UpstreamRejected(f"The platform did not accept a question about {ask.subject}.")
        result = self._read(ask, read, reply) if no is None else no
        if isinstance(result, UpstreamRateLimited) and result.retry_after is not None:
            self._throttle.close(account, result.retry_after)
        return InterpretedResponse(reply, result, b"", charged=0, in_doubt=False)

    def _read(self, ask: RequestSpec, read: Callable[[Reply], T], reply: Reply) -> T | GatewayError:
        try:
            return read(reply)
        except UndecodableResponse:
            return errors.invalid_answer(ask.subject)
        except GatewayError as error:
            return error

    def _request(self, ask: RequestSpec) -> tuple[httpx.Request, int]:
        """And the size of the file it sends, in bytes. Raises MediumRefused where there is no such file."""
        pace = self._pace
        timeouts = {"connect": pace.connect, "read": pace.read, "write": pace.read, "pool": pace.connect}
        make = partial(httpx.Request, ask.method, self._base + ask.target, extensions={"timeout": timeouts})
        headers = {**self._headers, **ask.headers}
        if ask.file is None:
            return make(headers=headers, params=ask.query, json=ask.json, data=ask.form), 0
        try:
            form = FileForm(ask.fields or {}, ask.file.path, ask.file.content_type, seed=ask.key)
        except OSError:
            raise MediumRefused("The file of this medium is no longer kept.") from None
        headers |= {"content-type": form.content_type, "content-length": str(form.size)}
        return make(headers=headers, content=form), form.size
