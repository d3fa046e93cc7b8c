"""From what is asked to the response: the operation is run, and its result or its parts become HTTP."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import msgspec
from graphql import GraphQLError
from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from gateway.cache.responses import Response
from gateway.errors import LedgerUnavailable
from gateway.events import Hook
from gateway.http import answers
from gateway.http.negotiation import Accepted, Media
from gateway.http.requests import Asked
from gateway.http.terms import Terms
from gateway.operations.answers import Answers
from gateway.operations.billing import report
from gateway.operations.lifecycle import in_answer, presentable
from gateway.operations.stored import StoredDocuments
from schema.build import Schema
from schema.context import Context

LONGEST_LIFE = 86_400  # seconds, for an answer that stands on nothing
VARY = "Accept, Authorization, X-Api-Key"
READS = frozenset({OperationType.QUERY})
READS_AND_WRITES = READS | {OperationType.MUTATION}

Frames: TypeAlias = AsyncGenerator[Any, None]


class Runner:
    """Runs operations. `context` makes the context of one, or raises a GatewayError."""

    def __init__(
        self,
        schema: Schema,
        stored: StoredDocuments,
        kept: Answers,
        context: Callable[[Terms], Context],
        hook: Hook,
    ) -> None:
        self.schema = schema
        self.stored = stored
        self.kept = kept
        self.context = context
        self.hook = hook

    async def __call__(self, asked: Asked, request: Request, accepted: Accepted) -> ASGIApp:
        try:
            context = self.context(Terms.of(request.headers, streams=accepted.multipart))
            if (known := self._known(asked, context)) is not None:
                self.stored.remember(asked.query or "", asked.extensions)
                return _again(known, context, request, accepted, self.kept.life(known))
            frames = await self._start(asked, context, writes=request.method == "POST")
            first = await anext(frames)
        except Exception as problem:  # a bug in a hook, too: it is raised past all masks
            error = presentable(in_answer(problem), self.hook)
            return answers.refusal(accepted.single or Media.JSON, error)
        self.stored.remember(asked.query or "", asked.extensions)
        if not isinstance(first, ExecutionResult):
            return answers.Parts(_in_parts(first, frames, context), figures(context))
        await anext(frames, None)  # so that it ends by itself
        return self._whole(asked, first, context, request, accepted)

    def _known(self, asked: Asked, context: Context) -> Response | None:
        key = self.kept.key(context.client, asked.query or "", asked.variables, asked.operation_name)
        return None if key is None else self.kept.find(key)

    def _whole(
        self, asked: Asked, result: ExecutionResult, context: Context, request: Request, accepted: Accepted
    ) -> ASGIApp:
        errors = result.errors or []
        # A problem of the whole request has no path, and then there is no data, not even null.
        executed = result.data is not None or any(error.path is not None for error in errors)
        data = msgspec.Raw(msgspec.json.encode(result.data))
        headers = figures(context)
        if executed and not errors:
            headers |= self._keep(asked, bytes(data), context, request)
        return _single(accepted, data, errors, executed=executed, extensions=result.extensions, headers=headers)

    def _keep(self, asked: Asked, data: bytes, context: Context, request: Request) -> dict[str, str]:
        """The headers that say how long the answer is good."""
        key = self.kept.key(context.client, asked.query or "", asked.variables, asked.operation_name)
        kept = None if key is None else self.kept.keep(key, data, context)
        return {} if kept is None else _life(kept, request, self.kept.life(kept))

    async def _start(self, asked: Asked, context: Context, *, writes: bool) -> Frames:
        """A single result is a stream of one."""
        frames: Any = await self.schema.stream(
            asked.query,
            dict(asked.variables or {}),
            context_value=context,
            operation_name=asked.operation_name,
            operation_extensions=dict(asked.extensions),
            allowed_operation_types=READS_AND_WRITES if writes else READS,
        )
        return frames  # type: ignore[no-any-return]


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
        return answers.unchanged(headers)
    data = msgspec.Raw(known.data)
    extensions = report(context, worth=known.worth)
    return _single(accepted, data, (), executed=True, extensions=extensions, headers=headers)


def _single(accepted: Accepted, data: msgspec.Raw, errors: Sequence[GraphQLError], **rest: Any) -> ASGIApp:
    response = answers.single(accepted.single or Media.JSON, data, errors, **rest)
    return response if accepted.single else answers.alone(response)


def _life(kept: Response, request: Request, life: float) -> dict[str, str]:
    """Only a GET may be answered from the client's own cache, and no cache but its own may keep what it paid for."""
    if request.method == "POST":
        return {}
    seconds = int(min(life, LONGEST_LIFE))
    return {"etag": kept.etag, "cache-control": f"private, max-age={seconds}", "vary": VARY}


async def _in_parts(first: Any, frames: Frames, context: Context) -> AsyncGenerator[Mapping[str, Any], None]:
    async with aclosing(frames):
        yield first.formatted
        async for frame in frames:
            # Only the last part knows the whole bill.
            yield frame.formatted if frame.has_next else {**frame.formatted, "extensions": report(context)}
