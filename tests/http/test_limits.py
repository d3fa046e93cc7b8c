"""Documents that would cost the event loop dearly are refused first, by a typed refusal."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLObjectType,
    Lexer,
    Source,
    TokenKind,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    parse,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st

from gateway.errors import TooComplex
from gateway.http.request_parsing import MOST_VALUES
from gateway.operations.client_errors import MOST_ENTRIES, MOST_WRITTEN
from gateway.operations.cost import LARGEST_ANSWER, LONGEST_LIST, MOST, check_cost
from gateway.operations.limits import LIMITS, TOKEN, check_document, check_text
from gateway.operations.quotes import MOST_PRICED_KEYS
from schema.build import build_schema
from tests.fakes.gateway import RunningGateway, details
from tests.meta.tree import ROOT


def doubled(levels: int, leaf: str) -> str:
    """2 ** levels of `leaf`, in a few hundred bytes."""
    spreads = [f"fragment A{at} on User {{ ...A{at + 1} ...A{at + 1} }}" for at in range(levels)]
    query = '{ user(by: { id: "1" }) { ...A0 } }'
    return "\n".join([query, *spreads, f"fragment A{levels} on User {{ {leaf} }}"])


def chained(fragments: int) -> str:
    spreads = [f"fragment A{at} on Query {{ ...A{at + 1} }}" for at in range(fragments)]
    return " ".join(["{ ...A0 }", *spreads, f"fragment A{fragments} on Query {{ __typename }}"])


BOMBS = [
    ("fields", doubled(40, "id")),
    ("aliases", doubled(40, "a: id")),
    ("directives", doubled(40, "id @skip(if: true)")),
    ("root fields", "{ " + "__typename " * 60 + "}"),
    ("tokens", "{ " + " ".join(f"a{at}: __typename" for at in range(1_000)) + " }"),
    ("aliases", "{ " + " ".join(f"a{at}: __typename" for at in range(200)) + " }"),
    ("tokens", "{" + " id" * 20_000 + "}"),
    ("tokens", "{ __typename " + "@skip " * 10_000 + "}"),
    ("tokens", "# comment\n" * 4_000 + "{ __typename }"),
    ("directives", "{ __typename " + "@a " * 150 + "}"),
    ("nesting", "{ a" * 500),
    ("nesting", "{ highlights(ids: " + "[" * 500),
    ("depth", "{ user" + "{ user" * 30 + " }" * 31),
    ("characters", "{ __typename } #" + " " * 200_000),
    ("lines", "\r\n" * 6_000 + "{ __typename }"),
    ("word length", "{ " + "a" * 1_000 + ": __typename }"),
    ("word length", '{ user(by: { id: "1" }) { highlights(first: ' + "9" * 400 + ") { totalCount } } }"),
    ("fragments", chained(150)),
    ("repetitions", "{ " + 'user(by: {id: "1"}) { id } ' * 50 + "}"),
    (
        "introspection",
        "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }",
    ),
    (
        "introspection",
        "{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }"
        " fragment B on __Type { fields { type { ...C } } }"
        " fragment C on __Type { interfaces { possibleTypes { name } } }",
    ),
]


@pytest.mark.parametrize(("limit", "document"), BOMBS)
async def test_a_bomb_is_refused_with_limit_value_and_place(gateway: RunningGateway, limit: str, document: str) -> None:
    answer = await gateway.query(document)
    (error,) = answer.body["errors"]
    assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"
    assert error["extensions"]["limit"] == limit
    assert error["extensions"]["value"] > error["extensions"]["most"] == LIMITS[limit]
    assert error["locations"]
    assert answer.data is None


@pytest.mark.parametrize(("limit", "document"), BOMBS)
async def test_a_bomb_is_not_priced_either(gateway: RunningGateway, limit: str, document: str) -> None:
    answer = await gateway.query("query P($d: String!) { price(document: $d) { expected } }", {"d": document})
    assert answer.errors == [("price", "OPERATION_TOO_COMPLEX")]


async def test_the_introspection_of_the_usual_tools_is_within_the_limits(gateway: RunningGateway) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    assert "errors" not in (await gateway.query(query)).body


def test_a_chain_of_fragments_as_long_as_may_be_is_measured() -> None:
    """No recursion goes along it."""
    opened, closed = "{ user" * 15, "}" * 16
    links = [f"fragment A{at} on User {opened} {{ ...A{at + 1} {closed}" for at in range(LIMITS["fragments"] - 1)]
    with pytest.raises(GraphQLError) as refused:
        check_document(parse(" ".join(["{ ...A0 }", *links])))
    assert isinstance(refused.value.original_error, TooComplex)
    assert refused.value.original_error.extensions["limit"] == "depth"


def test_a_circle_of_fragments_is_left_to_validation() -> None:
    check_document(parse("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A ...B ...C }"))


@example("1-1-1")
@example("-1.5e-3-2.0E+7")
@given(st.text(alphabet='{}[]()"\\#.a1e+- \n,:$@!é', max_size=60))
def test_tokens_are_counted_as_the_parser_counts_them(text: str) -> None:
    assume((expected := lexed(text)) is not None)
    assert len(TOKEN.findall(text)) == expected


def lexed(text: str) -> int | None:
    """Tokens and comments; None for what is no GraphQL."""
    lexer = Lexer(Source(text))
    try:
        while lexer.advance().kind is not TokenKind.EOF:
            pass
    except GraphQLError:
        return None
    count, token = -1, lexer.token.prev  # not the end, and not the start
    while token is not None:
        count, token = count + 1, token.prev
    return count


@pytest.mark.parametrize("text", ['"\\' * 49_999, '"""' + '\\"' * 40_000, '"' * 99_999, "\\" * 99_999, "-" * 99_999])
def test_unclosed_strings_are_counted_in_linear_time(text: str) -> None:
    """Were each quotation mark to look for its partner again, these would take minutes."""
    with contextlib.suppress(GraphQLError):
        check_text(text)


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        ("query A($k: [ID!]!) { highlights(ids: $k) { id } }", {"k": ["1"] * (LONGEST_LIST + 1)}),
        ("query A($k: [UserBy!]!) { users(by: $k) { id } }", {"k": [{"id": "1"}] * (LONGEST_LIST + 1)}),
        (
            "query A($k: [_Any!]!) { _entities(representations: $k) { ... on User { id } } }",
            {"k": [{"__typename": "User", "id": "1"}] * (LONGEST_LIST + 1)},
        ),
    ],
)
async def test_a_list_of_keys_has_an_end(gateway: RunningGateway, document: str, variables: dict[str, Any]) -> None:
    answer = await gateway.query(document, variables)
    (error,) = answer.body["errors"]
    assert error["locations"]
    assert details(error) == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "list",
        "most": LONGEST_LIST,
        "value": LONGEST_LIST + 1,
    }
    assert gateway.billed == 0


HALF = [str(at + 1) for at in range(LIMITS["keys"] // 2)]
USERS = [{"id": key} for key in HALF]
REFERENCES = [{"__typename": "User", "id": key} for key in HALF]
LITERALS = ", ".join(f'"{key}"' for key in HALF)
ONE = 'highlight(by: { id: "1" }) { title }'
# Each asks for half of what may be, twice, and for one more.
SPREAD_OUT = {
    "fields": f"query A($k: [ID!]!, $u: [UserBy!]!) {{ highlights(ids: $k) {{ id }} users(by: $u) {{ id }} {ONE} }}",
    "aliases": f"query A($k: [ID!]!) {{ a: highlights(ids: $k) {{ id }} b: highlights(ids: $k) {{ id }} {ONE} }}",
    "literals": f"query A($k: [ID!]!) {{ a: highlights(ids: $k) {{ id }} "
    f"b: highlights(ids: [{LITERALS}]) {{ id }} {ONE} }}",
    "references": f"query A($k: [ID!]!, $r: [_Any!]!) {{ highlights(ids: $k) {{ id }} "
    f"_entities(representations: $r) {{ __typename }} {ONE} }}",
    "fragments": "query A($k: [ID!]!) { ...F ... on Query { b: highlights(ids: $k) { id } } } "
    f"fragment F on Query {{ a: highlights(ids: $k) {{ id }} {ONE} }}",
    "defaults": f"query A($k: [ID!]!, $d: [ID!]! = [{LITERALS}]) "
    f"{{ a: highlights(ids: $k) {{ id }} b: highlights(ids: $d) {{ id }} {ONE} }}",
}


def in_use(document: str) -> dict[str, Any]:
    """The variables that the document declares without a default."""
    return {name: value for name, value in {"k": HALF, "u": USERS, "r": REFERENCES}.items() if f"${name}:" in document}


@pytest.mark.parametrize("document", SPREAD_OUT.values(), ids=SPREAD_OUT)
async def test_keys_are_counted_over_the_whole_operation(gateway: RunningGateway, document: str) -> None:
    refused = await gateway.query(document, in_use(document))
    (error,) = refused.body["errors"]
    assert error["locations"]
    assert "Split it into several requests." in error["message"]
    assert details(error) == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "keys",
        "most": LIMITS["keys"],
        "value": LIMITS["keys"] + 1,
    }
    # Without that one they are as many as may be: their ids cost nothing.
    full = await gateway.query(document.replace(ONE, ""), in_use(document))
    assert "errors" not in full.body
    assert gateway.billed == 0


@pytest.mark.parametrize("document", SPREAD_OUT.values(), ids=SPREAD_OUT)
async def test_keys_are_counted_where_an_operation_is_priced(gateway: RunningGateway, document: str) -> None:
    query = "query P($d: String!, $v: JSON) { price(document: $d, variables: $v) { lower } }"
    assert (await gateway.query(query, {"d": document, "v": in_use(document)})).errors == [
        ("price", "OPERATION_TOO_COMPLEX")
    ]


async def test_a_field_that_is_selected_twice_asks_for_its_keys_once(gateway: RunningGateway) -> None:
    keys = [*HALF, *(key + "0" for key in HALF)]
    document = (
        "query A($k: [ID!]!) { highlights(ids: $k) { id } ...F } fragment F on Query { highlights(ids: $k) { title } }"
    )
    answer = await gateway.query(document, {"k": keys}, headers={"X-Billing-Limit": "0"})
    assert answer.errors == [("", "BUDGET_EXCEEDED")]


async def test_too_many_keys_are_counted_before_they_are_read(gateway: RunningGateway) -> None:
    """To look into each of them is dear, and here none of them fits."""
    document = "query A($u: [UserBy!]!) { users(by: $u) { id } }"
    answer = await gateway.query(document, {"u": [{"nonsense": 1}] * (LONGEST_LIST + 1)})
    assert answer.errors == [("", "OPERATION_TOO_COMPLEX")]


async def test_names_beside_ids_are_refused_by_the_budget_at_once(gateway: RunningGateway) -> None:
    """Each of the ids could tell each of the names: they were compared all with all, for twenty seconds."""
    document = (
        "query A($i: [UserBy!]!, $n: [UserBy!]!) "
        "{ users(by: $i) { highlights { totalCount } } names: users(by: $n) { biography } }"
    )
    names = [{"username": f"user{key}"} for key in HALF]
    answer = await gateway.query(document, {"i": USERS, "n": names}, headers={"X-Billing-Limit": "0"})
    (error,) = answer.body["errors"]
    # Of each id the tray, of each name the profile.
    assert (error["extensions"]["code"], error["extensions"]["price"]) == ("BUDGET_EXCEEDED", (2 + 1) * len(HALF))


async def test_an_answer_that_could_be_too_large_is_refused_before_it_is_bought(gateway: RunningGateway) -> None:
    items = "items(first: $n) { nodes { id } }"
    document = f"query A($k: [UserBy!]!, $n: Int!) {{ users(by: $k) {{ highlights {{ nodes {{ {items} }} }} }} }}"
    many = [{"username": "natgeo"}] * 10
    refused = await gateway.query(document, {"k": many, "n": 100})
    (error,) = refused.body["errors"]
    assert (error["extensions"]["limit"], error["extensions"]["most"]) == ("cost", LARGEST_ANSWER)
    # User, connection, and a hundred times highlight, connection and a hundred items.
    assert error["extensions"]["value"] == 10 * (2 + 100 * (2 + 100))
    assert error["locations"] == [{"line": 1, "column": document.index("users") + 1}]
    assert gateway.billed == 0
    assert "errors" not in (await gateway.query(document, {"k": many, "n": 10})).body


LONG_NAMES = " ".join(f"{'a' * 190}{at}: thumbnailUrl" for at in range(95))
TYPENAMES = " ".join(f"{'a' * 190}{at}: __typename" for at in range(95))
LEAVES = " ".join(f"a{at}: code" for at in range(8))
USER = "user { id username fullName }"
LINKS = " ".join(f"a{at}: thumbnailUrl(proxied: true)" for at in range(40))
CONNECTIONS = " ".join(f"a{at}: items(first: 1) {{ totalCount }}" for at in range(95))
# By name: the limit, how many keys are asked for, how many of those could be asked for, and the selection.
DEAR = {
    "long names": ("bytes", 980, 5, f"items {{ nodes {{ {LONG_NAMES} }} }}"),
    "long names of types": ("bytes", 980, 5, f"items {{ nodes {{ {TYPENAMES} }} }}"),
    "users of items": ("work", 480, 100, f"items {{ nodes {{ {USER} }} }}"),
    "many leaves of items": ("work", 980, 100, f"items {{ nodes {{ {LEAVES} }} }}"),
    "links": ("work", 900, 100, "items { nodes { id a: thumbnailUrl(proxied: true) b: videoUrl(proxied: true) } }"),
    "many links": ("work", 100, 5, f"items {{ nodes {{ {LINKS} }} }}"),
    "items one by one": ("work", 300, 80, "items { nodes @stream { id takenAt } }"),
    "parts of items": ("work", 100, 20, "items { nodes { id ... @defer { takenAt kind } } }"),
    "parts of highlights": ("work", 950, 100, "id ... @defer { items { nodes { id takenAt } } }"),
    "connections": ("work", 900, 100, CONNECTIONS),
}


@pytest.mark.parametrize("kind", DEAR)
async def test_what_an_answer_takes_is_estimated_before_anything_is_bought(gateway: RunningGateway, kind: str) -> None:
    limit, many, _, selection = DEAR[kind]
    document = f"query A($i: [ID!]!) {{ highlights(ids: $i) {{ {selection} }} }}"
    variables = {"i": ["1"] * many}
    refused = await gateway.query(
        document, variables, headers={"accept": "multipart/mixed;incrementalSpec=v0.2, application/json"}
    )
    (error,) = refused.body["errors"]
    assert error["extensions"]["code"] == "OPERATION_TOO_COMPLEX"
    assert (error["extensions"]["limit"], error["extensions"]["most"]) == (limit, getattr(MOST, limit))
    assert error["extensions"]["value"] > getattr(MOST, limit)
    assert "Lower `first`" in error["message"]
    assert error["locations"] == [{"line": 1, "column": document.index("highlights") + 1}]
    assert gateway.billed == 0


@pytest.mark.parametrize("kind", DEAR)
def test_what_users_ask_for_is_within_what_an_answer_may_take(kind: str) -> None:
    _, _, few, selection = DEAR[kind]
    document = parse(f"query A($i: [ID!]!) {{ highlights(ids: $i) {{ {selection} }} }}")
    check_cost(build_schema().core, document, None, {"i": ["1"] * few})


def test_all_leaves_of_a_hundred_highlights_are_within_it_where_links_lead_to_the_proxy_too() -> None:
    core = build_schema(proxies=True).core
    item = core.type_map["Item"]
    assert isinstance(item, GraphQLObjectType)
    leaves = " ".join(name for name, field in item.fields.items() if is_leaf_type(get_named_type(field.type)))
    assert "thumbnailUrl videoUrl" in leaves
    tray = f"highlights {{ nodes {{ id title cover {{ url }} items {{ nodes {{ {leaves} }} }} }} }}"
    check_cost(core, parse(f'{{ user(by: {{ id: "1" }}) {{ {tray} }} }}'), None, None)


def test_the_rule_to_link_by_the_proxy_counts_as_if_each_link_were_asked_for() -> None:
    document = parse("query A($i: [ID!]!) { highlights(ids: $i) { items { nodes { a: thumbnailUrl b: videoUrl } } } }")
    variables = {"i": ["1"] * 900}
    check_cost(build_schema().core, document, None, variables)
    with pytest.raises(GraphQLError, match="execution cost"):
        check_cost(build_schema(proxies=True).core, document, None, variables)


def test_what_is_asked_about_the_schema_is_work_too() -> None:
    questions = " ".join(
        f"a{at}: __schema {{ types {{ fields {{ type {{ fields {{ name }} }} }} }} }}" for at in range(50)
    )
    with pytest.raises(GraphQLError, match="execution cost"):
        check_cost(build_schema().core, parse(f"{{ {questions} }}"), None, None)


SWITCHES = {"": True, "(if: true)": True, "(if: $on)": True, "(if: false)": False, "(if: $off)": False}


@pytest.mark.parametrize("switch", SWITCHES)
def test_parts_count_where_they_are_switched_on(switch: str) -> None:
    document = parse(
        "query A($i: [ID!]!, $on: Boolean = true, $off: Boolean = false) "
        f"{{ highlights(ids: $i) {{ items {{ nodes {{ id ... @defer{switch} {{ code }} }} }} }} }}"
    )
    with pytest.raises(GraphQLError, match="execution cost") if SWITCHES[switch] else contextlib.nullcontext():
        check_cost(build_schema().core, document, None, {"i": ["1"] * 100})


def test_the_limits_are_documented() -> None:
    rows = [line.split("|") for line in (ROOT / "docs/http.md").read_text().splitlines() if line.startswith("| `")]
    documented = {row[1].strip(" `"): int(row[2]) for row in rows if row[2].strip().isdigit()}
    of_variables = {"list": LONGEST_LIST, "entries": MOST_ENTRIES, "written list": MOST_WRITTEN, "values": MOST_VALUES}
    assert documented == {**LIMITS, **of_variables, **MOST._asdict(), "priced keys": MOST_PRICED_KEYS}
