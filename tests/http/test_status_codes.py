"""One status for each kind of answer, in both media types."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from gateway.cache.response_cache import Responses
from gateway.cache.store import EntryStore
from gateway.clients import Clients
from gateway.correlation import RequestIds
from gateway.events import Event, InternalErrorMasked, ignore
from gateway.http.bodies import Bodies
from gateway.http.completion import CorrelationMiddleware
from gateway.http.connection_limits import ConnectionLimiter
from gateway.http.endpoint import GraphQLEndpoint, route
from gateway.http.execution import OperationHandler
from gateway.http.long_lived import LongLived
from gateway.http.revocation import Standing
from gateway.http.shutdown import Shutdown
from gateway.http.transports.batching import Batches
from gateway.http.transports.operation_stream import OperationRunner
from gateway.operations.documents import DocumentCache
from gateway.operations.persisted_queries import PersistedQueries
from gateway.operations.response_cache import ResponseCache
from gateway.operations.running import RunningOperations
from gateway.scheduling import FairScheduler
from schema.build import build_schema
from tests.fakes.clock import ManualClock
from tests.fakes.gateway import RunningGateway, Terms, details, key_of, running_gateway

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
CLIENTS = {
    "toolmaker": Terms(rights=("read", "introspect")),
    "reader": Terms(),
    "writer": Terms(rights=("write",)),
    "capped": Terms(ceiling=0),
    "spent": Terms(allowance={"day": 0}),
}
USER = "{ user(by: { id: 787132 }) { biography } }"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path, clients=CLIENTS, all_heard=False) as running:
        yield running


async def ask(gateway: RunningGateway, query: str, client: str, accept: str) -> httpx.Response:
    headers = {"x-api-key": key_of(client), "accept": accept}
    return await gateway.client.post("/graphql", json={"query": query}, headers=headers)


@pytest.mark.parametrize(
    ("client", "query", "code", "legacy", "telling"),
    [
        ("reader", "{", "GRAPHQL_PARSE_FAILED", 200, 400),
        ("reader", "", "BAD_USER_INPUT", 200, 400),
        ("reader", "{ nonsense }", "GRAPHQL_VALIDATION_FAILED", 200, 400),
        ("reader", "query A { __typename } query B { __typename }", "BAD_USER_INPUT", 200, 400),
        ("reader", "query A($id: ID!) { __typename }", "GRAPHQL_VALIDATION_FAILED", 200, 400),
        ("reader", "subscription { __typename }", "NOT_ACCEPTABLE", 406, 406),
        ("nobody", "{ __typename }", "UNAUTHENTICATED", 401, 401),
        ("writer", "{ __typename }", "FORBIDDEN", 403, 403),
        ("reader", "{ __schema { queryType { name } } }", "FORBIDDEN", 403, 403),
        ("capped", USER, "BUDGET_EXCEEDED", 200, 400),
        ("spent", USER, "ALLOWANCE_EXCEEDED", 200, 429),
    ],
)
async def test_a_request_that_is_not_executed(
    gateway: RunningGateway, client: str, query: str, code: str, legacy: int, telling: int
) -> None:
    """Clients that ask for plain JSON take every other status for a broken server, but for who they are."""
    for accept, status in ((JSON, legacy), (GRAPHQL, telling)):
        response = await ask(gateway, query, client, accept)
        assert response.status_code == status
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert "data" not in response.json()
        assert {error["extensions"]["code"] for error in response.json()["errors"]} == {code}
    assert gateway.billed == 0


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_an_executed_operation_is_ok_with_errors_too(gateway: RunningGateway, accept: str) -> None:
    response = await ask(gateway, '{ user(by: { username: "who.is.not" }) { biography } }', "reader", accept)
    assert response.status_code == 200
    assert response.json()["data"] == {"user": None}
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_the_unknown_are_told_how_to_say_who_they_are(gateway: RunningGateway) -> None:
    response = await ask(gateway, "{ __typename }", "nobody", JSON)
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_bill_is_in_the_headers_of_every_executed_answer(gateway: RunningGateway) -> None:
    bought = await ask(gateway, USER, "reader", JSON)
    assert bought.headers["x-billed-requests"] == str(bought.json()["extensions"]["billing"]["charged"]) == "1"
    refused = await ask(gateway, USER, "spent", JSON)
    assert refused.headers["x-billing-remaining"] == "0"


@pytest.mark.parametrize("limit", ["-1", "1.5", "many", "", "9" * 5_000])
async def test_a_limit_that_is_no_number_is_refused(gateway: RunningGateway, limit: str) -> None:
    headers = {"x-api-key": key_of("reader"), "x-billing-limit": limit}
    response = await gateway.client.post("/graphql", json={"query": USER}, headers=headers)
    assert response.json()["errors"][0]["extensions"] == {
        **{"code": "BAD_USER_INPUT", "field": "X-Billing-Limit"},
        "requestId": response.headers["x-request-id"],
    }
    assert gateway.billed == 0


@pytest.mark.parametrize("query", ["{ usr }", '{ user(by: { usernme: "x" }) { id } }', "{ user(b: {}) { id } }"])
async def test_names_of_the_schema_are_suggested_to_those_who_may_read_it(gateway: RunningGateway, query: str) -> None:
    told = (await ask(gateway, query, "toolmaker", JSON)).text
    untold = (await ask(gateway, query, "reader", JSON)).text
    assert "Did you mean" in told
    assert "Did you mean" not in untold


@pytest.mark.parametrize("query", ["{ _service { sdl } }", '{ __type(name: "User") { name } }'])
async def test_the_schema_is_shown_by_right_in_each_of_its_forms(gateway: RunningGateway, query: str) -> None:
    assert (await ask(gateway, query, "toolmaker", JSON)).json()["data"]
    assert (await ask(gateway, query, "reader", JSON)).status_code == 403


async def test_a_bug_is_hidden_behind_an_id_that_the_log_has_too() -> None:
    """What is raised around an operation passes by the masks that execution has."""

    def broken(terms: object) -> Any:
        raise KeyError("secret")

    events: list[Event] = []
    documents = DocumentCache()
    stored = PersistedQueries(documents)
    kept = ResponseCache(documents, Responses(1_000, store=EntryStore(1_000, clock := ManualClock()), clock=clock))
    running = RunningOperations(ignore, clock)
    operations = OperationRunner(build_schema(), stored, broken, events.append, time := FairScheduler(), running)
    long_lived = LongLived(ConnectionLimiter(1), Standing(Clients.local(), clock), Shutdown())
    runner = OperationHandler(operations, kept, long_lived)
    endpoint = GraphQLEndpoint(
        runner, Batches(operations), stored, Clients.local().identify, time, bodies=Bodies(), running=running
    )
    app = Starlette(routes=[route(endpoint)], middleware=[Middleware(CorrelationMiddleware, ids=RequestIds())])
    for accept, status in ((JSON, 200), (GRAPHQL, 500)):
        response = await post(app, accept)
        assert response.status_code == status
        (error,), event = response.json()["errors"], events.pop()
        assert isinstance(event, InternalErrorMasked)
        assert error["extensions"] == {
            **{"code": "INTERNAL_SERVER_ERROR", "id": event.id},
            "requestId": response.headers["x-request-id"],
        }
        assert "secret" not in response.text


async def post(app: Starlette, accept: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        return await client.post("/graphql", json={"query": "{ __typename }"}, headers={"accept": accept})


async def test_nor_are_they_suggested_where_a_variable_does_not_fit(gateway: RunningGateway) -> None:
    query = "query Q($by: UserBy!) { user(by: $by) { id } }"
    told, untold = [
        (await gateway.query(query, {"by": {"usernme": "x"}}, client=client)).body["errors"][0]
        for client in ("toolmaker", "reader")
    ]
    assert details(told) == details(untold) == {"code": "GRAPHQL_VALIDATION_FAILED"}
    assert "Did you mean" in told["message"]
    assert "Did you mean" not in untold["message"]
    priced = "query P($d: String!, $v: JSON) { price(document: $d, variables: $v) { expected } }"
    answer = await gateway.query(priced, {"d": query, "v": {"by": {"usernme": "x"}}}, client="reader")
    assert "Did you mean" not in answer.body["errors"][0]["message"]
