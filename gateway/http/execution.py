"""From what is asked to the response: the operation is run, and its result or its stream becomes HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from graphql import GraphQLError
from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.types import ExecutionResult

from gateway.cache.response_cache import Response
from gateway.errors import AnswerTooLarge, LedgerUnavailable, NotAcceptable
from gateway.http import responses, status_codes
from gateway.http.connection_limits import Places
from gateway.http.exact_match_cache import LESSON, Lesson, Repeat, Spending
from gateway.http.negotiation import Accepted, Media
from gateway.http.request_options import Terms
from gateway.http.request_parsing import Asked
from gateway.http.revocation import Standing, while_in_standing
from gateway.http.transports import stream_formats
from gateway.http.transports.incremental import in_form
from gateway.http.transports.operation_stream import (
    READS,
    READS_AND_WATCHES,
    READS_AND_WRITES,
    Frames,
    Operations,
    Payload,
    executed,
    payload,
)
from gateway.http.transports.stream_formats import Framing
from gateway.http.transports.streaming_response import Stream
from gateway.http.unsent import reader_in
from gateway.operations.billing import report_again
from gateway.operations.extensions import in_answer, presentable
from gateway.operations.incremental_delivery import parsed_early, subscribes
from gateway.operations.response_cache import Answers
from schema.context import Context

VARY = "Accept, Authorization, X-Api-Key"
SUBSCRIBED = (
    "A subscription needs a WebSocket (graphql-transport-ws), or Accept: text/event-stream or "
    "multipart/mixed;subscriptionSpec=1.0."
)


class Runner:
    """Runs operations, and keeps their answers. Those that last hold `places`, while their client is in `standing`."""

    def __init__(self, operations: Operations, kept: Answers, places: Places, standing: Standing) -> None:
        self.operations = operations
        self.kept = kept
        self.places = places
        self.standing = standing

    async def __call__(self, asked: Asked, request: Request, accepted: Accepted) -> ASGIApp:
        operations, reader = self.operations, reader_in(request.scope)
        try:
            if reader is not None:
                await reader.room()
            context = operations.context(Terms.of(request.headers, streams=accepted.incremental is not None))
            key = self._key(asked, context)
            if key is not None and (known := self.kept.find(key)) is not None:
                operations.stored.remember(asked.query or "", asked.extensions)
                _teach(key, asked, known, context, request, accepted)
                return _again(known, context, request, accepted, self.kept.life(known))
            text, documents = asked.query or "", self.kept.documents
            if (early := await parsed_early(documents, text, context.buyer.share)) is not None:
                context = replace(context, parsed=early)
            if subscribes(documents, text, early, asked.operation_name):
                return self._subscribed(asked, context, accepted)
            if reader is not None:
                context = replace(context, room=reader.room)
            frames = await operations.start(asked, context, READS_AND_WRITES if request.method == "POST" else READS)
            first = await anext(frames)
        except Exception as problem:  # a bug in a hook, too: it is raised past all masks
            error = presentable(in_answer(problem), operations.hook)
            return responses.refusal(accepted.single or Media.JSON, error)
        operations.stored.remember(asked.query or "", asked.extensions)
        if not isinstance(first, ExecutionResult):
            headers = responses.ALWAYS | figures(context) | status_codes.headers(first.errors or ())
            return _parts(accepted, self._payloads(first, frames, context), headers)
        await anext(frames, None)  # so that it ends by itself
        return self._whole(asked, first, context, request, accepted)

    def _subscribed(self, asked: Asked, context: Context, accepted: Accepted) -> ASGIApp:
        """Raises NotAcceptable and TooManyStreams. What goes wrong later is told in the stream."""
        if accepted.subscription is None:
            raise NotAcceptable(SUBSCRIBED)
        client, operations = context.client, self.operations
        self.places.check(client.id)
        payloads = operations.payloads(asked, context, READS_AND_WATCHES)
        payloads = while_in_standing(payloads, self.standing, client, operations.refusal)
        subscribed = stream_formats.subscription(accepted.subscription)
        return Stream(subscribed, payloads, responses.ALWAYS, self.places.held(client.id))

    def _key(self, asked: Asked, context: Context) -> bytes | None:
        return self.kept.key(context.client, asked.query or "", asked.variables, asked.operation_name)

    def _whole(
        self, asked: Asked, result: ExecutionResult, context: Context, request: Request, accepted: Accepted
    ) -> ASGIApp:
        errors, headers = result.errors or [], figures(context)
        try:
            data = responses.encoded(result.data) if executed(result) else None
            if data is not None and not errors:
                headers |= self._keep(asked, data, context, request)
            return _single(accepted, data, errors, extensions=result.extensions, headers=headers)
        except AnswerTooLarge as problem:
            error = presentable(in_answer(problem), self.operations.hook)
            return _single(accepted, None, [error], extensions=result.extensions, headers=headers)

    async def _payloads(self, first: Any, frames: Frames, context: Context) -> AsyncGenerator[Payload, None]:
        """What is too large for one part ends them."""
        async with aclosing(frames):
            try:
                yield payload(first, context)
                async for frame in frames:
                    yield payload(frame, context)
            except AnswerTooLarge as problem:
                yield {**self.operations.refusal(problem), "hasNext": False}

    def _keep(self, asked: Asked, data: bytes, context: Context, request: Request) -> dict[str, str]:
        """The headers that say how long the answer is good."""
        key = self._key(asked, context)
        kept = None if key is None else self.kept.keep(key, data, context)
        return {} if kept is None else _life(kept, request, self.kept.life(kept))


def figures(context: Context) -> dict[str, str]:
    """The bill in headers, because routers drop a subgraph's extensions. Of an answer in parts: what came first."""
    headers = {"x-billed-requests": str(context.buyer.bill.charged)}
    try:
        remaining = context.buyer.purse.allowance.remaining()
    except LedgerUnavailable:
        return headers
    return headers if remaining is None else {**headers, "x-billing-remaining": str(remaining)}


def _again(known: Response, context: Context, request: Request, accepted: Accepted, life: float) -> ASGIApp:
    """An answer made before, with the bill of now: it charges nothing."""
    headers = figures(context) | _life(known, request, life)
    if known.etag in request.headers.get("if-none-match", ""):
        return responses.unchanged(headers)
    extensions = report_again(context.buyer.purse, worth=known.worth, explains=context.explains)
    return _single(accepted, known.data, (), extensions=extensions, headers=headers)


def _teach(key: bytes, asked: Asked, known: Response, context: Context, request: Request, accepted: Accepted) -> None:
    """So that the same request need not come this way again."""
    lesson: Lesson | None = request.scope.get(LESSON)
    if lesson is None or accepted.single is None:
        return
    spending = Spending(context.client, context.buyer.purse, context.explains)
    with suppress(LedgerUnavailable):
        lesson.repeat = Repeat.of(key, asked, spending, known, tells_life=request.method != "POST")


def _single(accepted: Accepted, data: bytes | None, errors: Sequence[GraphQLError], **rest: Any) -> ASGIApp:
    response = responses.single(accepted.single or Media.JSON, data, errors, **rest)
    return response if accepted.single else responses.alone(response, _alone(accepted))


def _alone(accepted: Accepted) -> Framing:
    """For a client that reads no single answer."""
    if accepted.incremental is not None:
        return stream_formats.single(accepted.incremental)
    assert accepted.subscription is not None, "what reads nothing is refused before"
    return stream_formats.subscription(accepted.subscription)


def _parts(accepted: Accepted, payloads: AsyncGenerator[Payload, None], headers: Mapping[str, str]) -> ASGIApp:
    streamed = accepted.incremental
    assert streamed is not None, "an operation that needs parts is refused before it is run"
    return Stream(stream_formats.incremental(streamed), in_form(streamed.form, payloads), headers)


def _life(kept: Response, request: Request, life: float) -> dict[str, str]:
    """Only a GET may be answered from the client's own cache."""
    if request.method == "POST":
        return {}
    return {"etag": kept.etag, "cache-control": responses.good_for(life), "vary": VARY}
