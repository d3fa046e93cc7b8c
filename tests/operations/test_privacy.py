"""Nothing that a client is answered is ever handed to another, unless the schema says that it is the same for both."""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import pytest
import strawberry
from graphql import GraphQLObjectType, get_named_type, parse
from graphql.validation import validate

from gateway.cache.response_cache import SHARED
from gateway.operations.sharing import is_shared
from schema import build, query
from schema.build import build_schema
from schema.context import Info
from tests.fakes.gateway import RunningGateway, Terms, running_gateway
from tests.meta.tree import trees

SCHEMA = build_schema().core
ROOTS = {"query": SCHEMA.query_type, "mutation": SCHEMA.mutation_type, "subscription": SCHEMA.subscription_type}
ALL = ("read", "write", "introspect", "operate")
CLIENTS = {"ann": Terms(rights=ALL), "bob": Terms(rights=ALL)}
USER = '{ __typename: "User", id: 787132 }'
FLOW = 'input: { id: "1", idempotencyKey: "k" }'
# An operation of each root field, by its kind and name: whoever adds a field adds its own.
ASKED = {
    ("query", "user"): "{ user(by: { id: 787132 }) { username } }",
    ("query", "users"): "{ users(by: [{ id: 787132 }]) { username } }",
    ("query", "highlight"): '{ highlight(by: { id: "1" }) { url } }',
    ("query", "highlights"): '{ highlights(ids: ["1"]) { url } }',
    ("query", "media"): '{ media(by: { id: "3852994846373453376" }) { caption } }',
    ("query", "medias"): '{ medias(by: [{ id: "3852994846373453376" }]) { caption } }',
    ("query", "item"): '{ item(id: "3772053608293416704") { kind } }',
    ("query", "hashtag"): '{ hashtag(name: "sunset") { mediaCount } }',
    ("query", "location"): '{ location(id: "212007919") { name } }',
    ("query", "searchUsers"): '{ searchUsers(query: "natgeo") { nodes { username } } }',
    ("query", "searchHashtags"): '{ searchHashtags(query: "sun") { name } }',
    ("query", "searchLocations"): '{ searchLocations(by: { query: "lis" }) { name } }',
    ("query", "node"): '{ node(id: "787132") { id ... on User { username } } }',
    ("query", "nodes"): '{ nodes(ids: ["787132"]) { id ... on User { username } } }',
    ("query", "price"): '{ price(document: "{ __typename }") { upper } }',
    ("query", "allowance"): "{ allowance { client } }",
    ("query", "gateway"): "{ gateway { workers { startedAt } } }",
    ("query", "accounts"): "{ accounts { __typename } }",
    ("query", "account"): '{ account(id: "787132") { __typename } }',
    ("query", "flow"): '{ flow(id: "1") { id } }',
    ("query", "flows"): "{ flows { nodes { id } } }",
    ("query", "_entities"): f"{{ _entities(representations: [{USER}]) {{ ... on User {{ username }} }} }}",
    ("query", "_service"): "{ _service { sdl } }",
    ("mutation", "createHighlight"): 'mutation { createHighlight(input: { account: "1", title: "T", media: [], '
    'idempotencyKey: "k" }) { flow { id } } }',
    ("mutation", "updateHighlight"): f"mutation {{ updateHighlight({FLOW}) {{ flow {{ id }} }} }}",
    ("mutation", "deleteHighlight"): f"mutation {{ deleteHighlight({FLOW}) {{ flow {{ id }} }} }}",
    ("mutation", "setLike"): 'mutation { setLike(input: { account: "1", id: "1", liked: true }) { flow { id } } }',
    (
        "mutation",
        "connectAccount",
    ): 'mutation { connectAccount(input: { returnTo: "http://gateway.test/" }) { expiresAt } }',
    (
        "mutation",
        "disconnectAccount",
    ): 'mutation { disconnectAccount(input: { account: "1" }) { userErrors { code } } }',
    ("mutation", "eraseUser"): 'mutation { eraseUser(id: "1") { url } }',
    ("mutation", "cancelFlow"): 'mutation { cancelFlow(id: "1") { flow { id } } }',
    ("mutation", "retryFlow"): 'mutation { retryFlow(id: "1") { flow { id } } }',
    ("mutation", "forgetCachedData"): "mutation { forgetCachedData(input: { all: true }) { entries } }",
    (
        "mutation",
        "warmCache",
    ): 'mutation { warmCache(input: { operations: [{ document: "{ __typename }" }] }) { charged } }',
    ("subscription", "flow"): 'subscription { flow(id: "1") { id } }',
}
FOR_ALL = {
    ("query", name)
    for name in (
        *("user", "users", "highlight", "highlights", "media", "medias", "item", "hashtag", "location"),
        *("searchUsers", "searchHashtags", "searchLocations", "node", "nodes", "_entities"),
    )
}
ACCEPT = {"accept": "application/graphql-response+json", "graphql-require-preflight": "1"}


def asking(info: Info) -> str:
    return info.context.client.name


@strawberry.type
class Answer:
    """What a field that is the same for all leads to: a part of it, and something that only looks like one."""

    part: str
    client: str = strawberry.field(resolver=asking)


def lead(info: Info) -> Answer:
    return Answer(part=asking(info))


@strawberry.type(name="Query")
class Extended(query.Query):
    """With fields that nobody has declared to be shared, and one that lies."""

    forgotten: str = strawberry.field(resolver=asking)
    declared: str = strawberry.field(resolver=asking, metadata={SHARED: True})
    answer: Answer = strawberry.field(resolver=lead, metadata={SHARED: True})


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "Query", Extended)
    monkeypatch.setattr(build, "_types", functools.cache(build._types.__wrapped__))


async def headers_of(gateway: RunningGateway, document: str, client: str) -> tuple[str, bool]:
    """How long an answer to a GET may be kept by a client, and whether it has a tag."""
    keyed = {**ACCEPT, "x-api-key": f"key-of-{client}"}
    response = await gateway.client.get("/graphql", params={"query": document}, headers=keyed)
    assert response.status_code == 200, response.text
    gateway.reported += int(response.headers["x-billed-requests"])
    return response.headers["cache-control"], "etag" in response.headers


async def named(gateway: RunningGateway, document: str) -> list[str]:
    """Whom each of the clients finds named in the answer; each asks often enough to be answered in front."""
    (field, *below) = document.strip("{ }").replace("{", " ").split()
    answers = [await gateway.query(document, client=client) for client in ("ann", "bob") for _ in range(3)]
    found = [answer.data[field][below[0]] if below else answer.data[field] for answer in answers]
    assert [len(set(found[:3])), len(set(found[3:]))] == [1, 1]
    return [found[0], found[-1]]


def test_there_is_an_operation_of_each_root_field() -> None:
    roots = {(kind, name) for kind, root in ROOTS.items() if root is not None for name in root.fields}
    assert ASKED.keys() == roots
    assert not [error for document in ASKED.values() for error in validate(SCHEMA, parse(document))]


@pytest.mark.parametrize("field", ASKED, ids="-".join)
def test_a_root_field_is_private_unless_it_is_listed_here(field: tuple[str, str]) -> None:
    assert is_shared(SCHEMA, parse(ASKED[field])) is (field in FOR_ALL)


async def test_no_client_is_answered_by_what_another_was_told(tmp_path: Path) -> None:
    """Each root field is asked by two clients, the first as often as it takes to be answered in front of all routes."""
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        for (kind, name), document in ASKED.items():
            for client in ("ann", "ann", "ann", "bob") if kind != "subscription" else ():
                await gateway.query(document, client=client)
            key = gateway.kept.key(gateway.clients.identify("key-of-bob"), document, None, None)
            assert (key is not None) is ((kind, name) in FOR_ALL), name


async def test_only_what_is_shared_may_be_kept_by_its_client(tmp_path: Path) -> None:
    shared, own = ("private, max-age=86400", True), ("no-store", False)
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert await headers_of(gateway, '{ highlight(by: { id: "1" }) { url } }', "ann") == shared
        for client in ("ann", "ann", "bob"):
            assert await headers_of(gateway, "{ allowance { client } }", client) == own
            assert await headers_of(gateway, '{ highlight(by: { id: "1" }) { url } accounts { id } }', client) == own
            assert await headers_of(gateway, "{ _service { sdl } }", client) == own


async def test_who_asks_what_is_left_is_told_of_himself(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert await named(gateway, "{ allowance { client } }") == ["ann", "bob"]


@pytest.mark.usefixtures("extended")
async def test_what_a_new_field_answers_is_kept_for_nobody(tmp_path: Path) -> None:
    """One that says nothing about itself. The other, which claims to be shared, proves that the test would see it."""
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert await named(gateway, "{ forgotten }") == ["ann", "bob"]
        assert await headers_of(gateway, "{ forgotten }", "ann") == ("no-store", False)
        assert await named(gateway, "{ declared }") == ["ann", "ann"]


@pytest.mark.usefixtures("extended")
async def test_what_a_new_resolver_below_a_shared_field_answers_is_kept_for_nobody(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=CLIENTS) as gateway:
        assert await named(gateway, "{ answer { client } }") == ["ann", "bob"]
        assert await named(gateway, "{ answer { part } }") == ["ann", "ann"]


@pytest.mark.parametrize(
    "text",
    [
        "{ a: allowance { client } user(by: { id: 1 }) { id } }",
        "{ ...F } fragment F on Query { allowance { client } }",
        "{ user(by: { id: 1 }) { id } ... { ... on Query { accounts { id } } } }",
        "query A { user(by: { id: 1 }) { id } } query B { accounts { id } }",
        "{ __schema { description } }",
        '{ __type(name: "User") { name } }',
        "query A { user(by: { id: 1 }) { id } } mutation B { cancelFlow(id: 1) { flow { id } } }",
    ],
)
def test_one_private_field_makes_a_document_private_wherever_it_stands(text: str) -> None:
    document = parse(text)
    assert not validate(SCHEMA, document)
    assert not is_shared(SCHEMA, document)


@pytest.mark.parametrize(
    "text",
    [
        "{ __typename }",
        "{ allowance: user(by: { id: 1 }) { price: username __typename } }",
        "{ user(by: { id: 1 }) { ...F } } fragment F on User { ... { highlights { edges { node { title } } } } }",
        f"{{ _entities(representations: [{USER}]) {{ __typename ... on User {{ id }} }} }}",
    ],
)
def test_what_is_made_of_shared_fields_is_shared_whatever_it_is_called(text: str) -> None:
    document = parse(text)
    assert not validate(SCHEMA, document)
    assert is_shared(SCHEMA, document)


def test_all_that_a_shared_root_field_leads_to_is_shared() -> None:
    """Else a field that forgets to say so would keep its operations from ever being answered at once."""
    ahead, seen, private = [SCHEMA.query_type], set[str](), set[str]()
    while ahead:
        type_ = ahead.pop()
        fields = type_.fields if isinstance(type_, GraphQLObjectType) else {}
        for name, field in fields.items():
            inner: Any = get_named_type(field.type)
            if SHARED not in field.extensions:
                private.add(f"{type_}.{name}")
            elif inner.name not in seen:
                seen.add(inner.name)
                ahead += SCHEMA.get_possible_types(inner) if inner.name == "_Entity" else [inner]
    assert {place for place in private if not place.startswith("Query.")} == set()


def test_no_shared_resolver_looks_at_who_asks() -> None:
    """The key of a kept answer holds the right to force, and nothing else of the client."""
    of_the_client = {"client", "accounts", "writes", "writing", "quote", "budget", "explains"}
    checked = 0
    for path, tree in trees():
        for node in ast.walk(tree) if path.parts[0] == "schema" else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _says_shared(node):
                seen = {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
                assert not seen & of_the_client, f"{path}:{node.lineno}"
                checked += 1
    assert checked > 10


def _says_shared(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """By its decorator, or as the maker of such fields."""
    decorators = " ".join(map(ast.unparse, function.decorator_list))
    calls = {ast.unparse(node.func) for node in ast.walk(function) if isinstance(node, ast.Call)}
    return "shared=True" in decorators or "SHARED" in decorators or "part(" in decorators or "part" in calls


def test_no_write_and_no_stream_claims_to_be_shared() -> None:
    for root in (SCHEMA.mutation_type, SCHEMA.subscription_type):
        assert root is not None
        assert not [name for name, field in root.fields.items() if SHARED in field.extensions]
        definition: Any = root.extensions["strawberry-definition"]
        assert not [field.name for field in definition.fields if SHARED in field.metadata]
