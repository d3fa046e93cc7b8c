"""GraphQL over HTTP: POST runs an operation, GET shows the explorer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from strawberry.http.ides import get_graphql_ide_html
from strawberry.types import ExecutionResult

from gateway.errors import GatewayError, InvalidInput, Unauthenticated
from schema.build import Schema
from schema.context import Context

JSON = "application/json"
STATUS: dict[type[GatewayError], int] = {InvalidInput: 400, Unauthenticated: 401}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request says about itself besides its operation: whose it is, and on what terms it may spend."""

    key: str | None
    limit: int | None
    explains: bool

    @classmethod
    def of(cls, request: Request) -> Terms:
        """Raises InvalidInput."""
        headers = request.headers
        scheme, _, token = headers.get("authorization", "").partition(" ")
        key = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key")
        return cls(key or None, _limit(headers.get("x-billing-limit")), headers.get("x-billing-explain") == "1")


class GraphQLRequest(msgspec.Struct, rename="camel"):
    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Endpoint:
    """Both methods of `/graphql`. `context` makes the context of one operation, or raises a GatewayError."""

    def __init__(self, schema: Schema, context: Callable[[Terms], Context]) -> None:
        self.schema = schema
        self.context = context

    async def explore(self, request: Request) -> Response:
        return HTMLResponse(get_graphql_ide_html())

    async def run(self, request: Request) -> Response:
        try:
            asked = _decode(await request.body())
            context = self.context(Terms.of(request))
        except GatewayError as problem:
            return _json({"errors": [{"message": problem.message, "extensions": problem.extensions}]}, problem)
        result = await self.schema.execute(
            asked.query, asked.variables, context_value=context, operation_name=asked.operation_name
        )
        response = _json(_body(result))
        response.headers.update(figures(context))
        return response


def figures(context: Context) -> dict[str, str]:
    """The bill in headers, because routers drop a subgraph's extensions."""
    headers = {"x-billed-requests": str(context.buyer.bill.charged)}
    remaining = context.buyer.purse.allowance.remaining()
    if remaining is not None:
        headers["x-billing-remaining"] = str(remaining)
    return headers


def _body(result: ExecutionResult) -> dict[str, Any]:
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    if result.extensions:
        body["extensions"] = result.extensions
    return body


def _decode(body: bytes) -> GraphQLRequest:
    try:
        return msgspec.json.decode(body, type=GraphQLRequest)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise InvalidInput(f"The body must be a GraphQL request as JSON: {exc}", field="body") from exc


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput("X-Billing-Limit must be a whole number of billed requests.", field="X-Billing-Limit")
    return int(text)


def _json(body: dict[str, Any], problem: GatewayError | None = None) -> Response:
    status = 200 if problem is None else STATUS.get(type(problem), 200)
    return Response(msgspec.json.encode(body), status_code=status, media_type=JSON)
