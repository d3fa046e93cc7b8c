"""The Python client `gql`, over HTTP and over WebSocket."""

from __future__ import annotations

from typing import Any

from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.meta.tree import ROOT


def operation(name: str) -> Any:
    return gql((ROOT / "queries" / f"{name}.graphql").read_text())


async def created(session: Any, key: str) -> dict[str, Any]:
    media = [{"url": "https://images.example.com/one.jpg"}]
    query = operation("create_highlight")
    query.variable_values = {"account": "787132", "title": "By gql", "media": media, "idempotencyKey": key}
    answer: dict[str, Any] = (await session.execute(query))["createHighlight"]
    return answer


async def test_over_http(served: str) -> None:
    query = operation("tray_by_username")
    query.variable_values = {"username": "thirty.highlights"}
    async with Client(transport=HTTPXAsyncTransport(url=served), fetch_schema_from_transport=True) as session:
        answer = await session.execute(query)
        assert answer["user"]["highlights"]["totalCount"] == 30
        assert (await created(session, "over-http"))["highlight"]["title"] == "By gql"


async def test_over_web_socket(served: str) -> None:
    """Queries, mutations and subscriptions over one connection, each with a context of its own."""
    transport = WebsocketsTransport(
        url=served.replace("http", "ws", 1), subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL]
    )
    async with Client(transport=transport) as session:
        query = operation("tray_by_username")
        query.variable_values = {"username": "thirty.highlights"}
        assert (await session.execute(query))["user"]["highlights"]["totalCount"] == 30
        watched = operation("watch_flow")
        watched.variable_values = {"id": (await created(session, "over-web-socket"))["flow"]["id"]}
        states = [answer["flow"]["state"] async for answer in session.subscribe(watched)]
        assert states[-1] == "DONE"
