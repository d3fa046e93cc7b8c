"""What happens around an operation: rights, and the three kinds of error."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.types import ExecutionResult

from gateway.clients import Clients, Right
from gateway.clients.table import Table
from gateway.composition.app import Gateway
from gateway.domain.window import Window
from gateway.errors import GatewayError, LedgerUnavailable, NotFound
from gateway.events import Event, InternalErrorMasked
from gateway.http.request_options import RequestOptions
from gateway.operations.extensions import format_error
from gateway.planner.estimator import Estimate
from gateway.settings import Settings
from schema.context import Context
from tests.fakes.clock import VirtualClock

SECRET = "k3y-that-must-never-be-seen"  # pragma: allowlist secret
USER = 'user(by: {id: "787132"}) { username }'


class FragileClock(VirtualClock):
    """A port that breaks once: whatever reads the time next has a bug."""

    breaks = False

    def now(self) -> float:
        if self.breaks:
            self.breaks = False
            raise RuntimeError(f"no time at {SECRET}")
        return super().now()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    gateway = Gateway(Settings(data_dir=tmp_path), None, FragileClock(), "http://gateway.test")
    yield gateway
    await gateway.reading.services.api.aclose()
    with contextlib.suppress(LedgerUnavailable):  # closed already, by a test that has none
        gateway.spending.ledger.close()


def context_of(gateway: Gateway, **changes: Any) -> Context:
    return dataclasses.replace(gateway.contexts.of(RequestOptions(None, None, explains=False)), **changes)


def with_rights(gateway: Gateway, *rights: Right) -> Context:
    context = context_of(gateway)
    return dataclasses.replace(context, client=dataclasses.replace(context.client, rights=frozenset(rights)))


async def run(
    gateway: Gateway, text: str, context: Context | None = None, variables: dict[str, Any] | None = None
) -> ExecutionResult:
    return await gateway.operations.schema.execute(text, variables, context_value=context or context_of(gateway))


def problems(result: ExecutionResult) -> list[tuple[str, str]]:
    """Path and code of each error."""
    return [
        (".".join(map(str, error.path or ())), str((error.extensions or {})["code"])) for error in result.errors or ()
    ]


# -- expected failures are typed, in their places


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('user(by: {id: "1"}) { username }', ("user", "NOT_FOUND")),
        (
            'user(by: {username: "private.person"}) { highlights { totalCount } }',
            ("user.highlights", "PRIVATE_ACCOUNT"),
        ),
        ('users(by: [{id: "787132"}, {username: "?"}]) { id }', ("users.1", "BAD_USER_INPUT")),
        ('highlights(ids: ["x"]) { title }', ("highlights.0", "BAD_USER_INPUT")),
        ('user(by: {id: "787132"}) { highlights(first: 101) { totalCount } }', ("user.highlights", "BAD_USER_INPUT")),
        ('highlight(by: {url: "https://example.com/"}) { id }', ("highlight", "BAD_USER_INPUT")),
        ('price(document: "{") { lower }', ("price", "BAD_USER_INPUT")),
    ],
)
async def test_an_expected_failure_has_a_code_a_path_and_leaves_the_rest(
    fields: str, expected: tuple[str, str], gateway: Gateway
) -> None:
    result = await run(gateway, f"{{ {fields} rest: {USER} }}")
    assert problems(result) == [expected]
    if result.data is not None:
        assert result.data["rest"] == {"username": "natgeo"}


async def test_where_nothing_can_be_null_the_answer_is_without_data(gateway: Gateway) -> None:
    result = await run(gateway, '{ price(document: "{") { lower } }')
    assert (result.data, problems(result)) == (None, [("price", "BAD_USER_INPUT")])


async def test_what_is_refused_before_anything_is_bought_has_no_path(gateway: Gateway) -> None:
    poor = gateway.contexts.of(RequestOptions(None, 0, explains=False))
    result = await run(gateway, f"{{ {USER} }}", poor)
    assert (result.data, problems(result)) == (None, [("", "BUDGET_EXCEEDED")])
    assert (result.errors or [])[0].extensions == {"code": "BUDGET_EXCEEDED", "price": 1, "limit": 0, "remaining": 0}


# -- the client's own mistakes pass through


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("{", "GRAPHQL_PARSE_FAILED", "Syntax Error: Expected Name, found <EOF>."),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED", "Cannot query field 'nothing' on type 'Query'."),
        ("{ user { id } }", "GRAPHQL_VALIDATION_FAILED", "Argument 'Query.user(by:)' of type 'UserBy!' is required"),
        ("query($by: UserBy!) { user(by: $by) { id } }", "GRAPHQL_VALIDATION_FAILED", "Variable '$by'"),
    ],
)
async def test_a_mistake_in_the_document_is_told_in_graphqls_own_words(
    text: str, code: str, message: str, gateway: Gateway
) -> None:
    result = await run(gateway, text)
    assert problems(result) == [("", code)]
    assert (result.errors or [])[0].message.startswith(message)


async def test_a_mistake_that_only_execution_finds_is_told_too(gateway: Gateway) -> None:
    text = 'query($by: UserBy = {id: "1"}) { user(by: $by) { id } }'
    result = await run(gateway, text, variables={"by": None})
    assert problems(result) == [("user", "BAD_USER_INPUT")]


# -- bugs are masked, and the log has their id


def told(result: ExecutionResult, caplog: pytest.LogCaptureFixture) -> None:
    """One error without a word of the exception; its id is in the log, with the traceback."""
    (error,) = result.errors or []
    assert error.message == f"Internal error {(error.extensions or {})['id']}."
    assert SECRET not in str(error.formatted)
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.getMessage() == f"InternalErrorMasked id={(error.extensions or {})['id']}"
    assert record.exc_info is not None
    assert SECRET in str(record.exc_info[1])


async def test_a_bug_in_a_resolver_is_masked(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    async def quote(text: str, variables: Mapping[str, Any] | None, name: str | None) -> Estimate:
        raise RuntimeError(f"cannot add {SECRET}")

    result = await run(gateway, '{ price(document: "") { lower } }', context_of(gateway, quote=quote))
    assert problems(result) == [("price", "INTERNAL_SERVER_ERROR")]
    told(result, caplog)


async def test_a_bug_before_execution_is_masked(gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    """Strawberry puts the text of what an extension raises into the answer."""
    context = context_of(gateway)
    assert isinstance(gateway.reading.services.clock, FragileClock)
    gateway.reading.services.clock.breaks = True
    result = await run(gateway, f"{{ {USER} }}", context)
    assert (result.data, problems(result)) == (None, [("", "INTERNAL_SERVER_ERROR")])
    told(result, caplog)


def test_each_kind_of_error_is_made_presentable_once() -> None:
    events = list[Event]()
    expected = GraphQLError("x", original_error=NotFound("No such user.", hint=1))
    assert format_error(expected, events.append).extensions == {"code": "NOT_FOUND", "hint": 1}
    mistake = format_error(GraphQLError("Cannot query."), events.append)
    assert format_error(mistake, events.append) is mistake
    assert events == []
    wrapped = GraphQLError("x", original_error=GraphQLError("y", original_error=KeyError(SECRET)))
    masked = format_error(wrapped, events.append)
    assert SECRET not in str(masked.formatted)
    assert format_error(masked, events.append) is masked
    (event,) = events
    assert isinstance(event, InternalErrorMasked)
    assert event.id == (masked.extensions or {})["id"]
    assert SECRET not in repr(event)


def test_every_code_that_is_ours_survives() -> None:
    def all_of(kind: type[GatewayError]) -> list[type[GatewayError]]:
        return [kind, *(below for one in kind.__subclasses__() for below in all_of(one))]

    for kind in all_of(GatewayError):
        if "code" in vars(kind):
            error = GraphQLError("x", original_error=GatewayError.__new__(kind))
            assert format_error(error, lambda event: pytest.fail("no bug")) is error


# -- rights


@pytest.mark.parametrize(
    ("text", "rights", "lacking"),
    [
        (f"{{ {USER} }}", (Right.WRITE, Right.INTROSPECT), "read"),
        ("{ __schema { description } }", (Right.READ,), "introspect"),
        ('{ __type(name: "User") { name } }', (Right.READ,), "introspect"),
        ("{ _service { sdl } }", (Right.READ,), "introspect"),
        (
            "{ ...F } fragment F on Query { ...G } fragment G on Query { __schema { description } }",
            (Right.READ,),
            "introspect",
        ),
        ("{ ... { _service { sdl } } }", (Right.READ,), "introspect"),
    ],
)
async def test_what_a_client_has_no_right_to_is_forbidden_also_the_second_time(
    text: str, rights: tuple[Right, ...], lacking: str, gateway: Gateway
) -> None:
    """The second time the document is known already."""
    for _ in range(2):
        result = await run(gateway, text, with_rights(gateway, *rights))
        assert (result.data, problems(result)) == (None, [("", "FORBIDDEN")])
        assert ((result.errors or [])[0].extensions or {})["right"] == lacking


@pytest.mark.parametrize("text", [f"{{ {USER} __typename }}", "{ allowance { client } }"])
async def test_to_read_takes_the_right_to_read_alone(text: str, gateway: Gateway) -> None:
    assert problems(await run(gateway, text, with_rights(gateway, Right.READ))) == []


async def test_a_client_with_the_right_may_introspect(gateway: Gateway) -> None:
    context = with_rights(gateway, Right.READ, Right.INTROSPECT)
    assert problems(await run(gateway, "{ __schema { queryType { name } } _service { sdl } }", context)) == []


# -- the ledger


async def test_while_the_ledger_cannot_be_read_what_is_cached_is_answered(gateway: Gateway) -> None:
    text = f"{{ {USER} }}"
    await run(gateway, text)
    client = dataclasses.replace(
        gateway.contexts.of(RequestOptions(None, None, explains=False)).client, allowance={Window.DAY: 5}
    )
    gateway.contexts.clients = Clients(Table(0, ()), keyless=client, path=None, clock=FragileClock())
    gateway.spending.ledger.close()
    cached = await run(gateway, text)
    assert (problems(cached), cached.data) == ([], {"user": {"username": "natgeo"}})
    assert (cached.extensions or {})["billing"]["allowance"] is None
    bought = await run(gateway, '{ user(by: {id: "75885841119"}) { username } }')
    assert problems(bought) == [("", "LEDGER_UNAVAILABLE")]
    assert problems(await run(gateway, "{ allowance { client } }")) == [("allowance", "LEDGER_UNAVAILABLE")]
