"""From operations to entity selections, on the real schema."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse
from graphql.validation import validate
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.highlight_criteria import HighlightOrder
from gateway.domain.models import MediaKind
from gateway.operations.selection_analysis import analyze
from gateway.planner.selection import Relation, Root, Selection
from gateway.reads.facts import EntityType, FactKind
from schema.build import build_schema

SCHEMA = build_schema().core
NONE = FactKind.NOTHING


def read(text: str, variables: dict[str, Any] | None = None, operation: str | None = None) -> tuple[Selection, ...]:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    return analyze(SCHEMA, document, operation, variables)


def only(text: str, variables: dict[str, Any] | None = None) -> Selection:
    (selection,) = read(text, variables)
    return selection


def user(fields: str, fragments: str = "") -> Selection:
    return only(f'{{ user(by: {{ id: "1" }}) {{ {fields} }} }} {fragments}')


def of_types(references: Selection) -> dict[object, Selection]:
    return {child.arguments["type"]: child for child in references.children}


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ("__typename", NONE),
        ("id", FactKind.IDENTITY),
        ("username", FactKind.SUMMARY),
        ("fullName isPrivate profilePictureUrl", FactKind.SUMMARY),
        ("biography", FactKind.PROFILE),
        ("id username followerCount", FactKind.IDENTITY | FactKind.SUMMARY | FactKind.PROFILE),
    ],
)
def test_fields_say_what_is_needed_of_a_user(fields: str, facts: FactKind) -> None:
    assert user(fields) == Selection(Root(EntityType.USER), ("user",), facts, {"by": {"id": "1"}})


@pytest.mark.parametrize(
    ("fields", "facts"),
    [
        ("id pk url", NONE),
        ("title cover { url width }", FactKind.TRAY_ENTRY),
        ("missingItemIds", FactKind.HIGHLIGHT),
        ("mediaCount missingItemIds", FactKind.TRAY_ENTRY | FactKind.HIGHLIGHT),
    ],
)
def test_fields_say_what_is_needed_of_a_highlight(fields: str, facts: FactKind) -> None:
    highlight = only(f'{{ highlight(by: {{ id: "7" }}) {{ {fields} }} }}')
    assert highlight == Selection(Root(EntityType.HIGHLIGHT), ("highlight",), facts, {"by": {"id": "7"}})


def test_connections_are_looked_through_and_their_keys_are_on_the_path() -> None:
    tray = user("list: highlights(first: 3) { edges { cursor node { title items { n: nodes { user { id } } } } } }")
    (tray,) = tray.children
    assert (tray.edge, tray.path, tray.facts) == (FactKind.TRAY, ("list",), FactKind.TRAY_ENTRY)
    assert tray.arguments["first"] == 3
    (items,) = tray.children
    assert (items.edge, items.path) == (Relation.ITEMS, ("edges", "node", "items"))
    assert [(child.edge, child.path, child.facts) for child in items.children] == [
        (Relation.AUTHOR, ("n", "user"), FactKind.IDENTITY)
    ]


def test_defaults_of_arguments_are_told() -> None:
    (tray,) = user("highlights { totalCount }").children
    left_out = dict.fromkeys(("first", "after", "last", "before", "filter"))
    assert tray.arguments == left_out | {"order": HighlightOrder.TRAY}


def test_nodes_are_references_of_the_types_that_their_ids_tell() -> None:
    below = "{ ... on User { username } ... on Highlight { items { totalCount } } }"
    entity = '{{ __typename: "{}", id: "{}" }}'
    references = ", ".join(entity.format(*one) for one in (("User", "1"), ("Highlight", "highlight:2")))
    entities = only(f"{{ nodes: _entities(representations: [{references}]) {below} }}")
    nodes = only(f'{{ nodes(ids: ["1", "nobody", "highlight:2"]) {below} }}')
    one = only(f'{{ nodes: node(id: "1") {below} }}')
    assert of_types(one) == of_types(nodes) == of_types(entities)
    assert nodes.arguments == entities.arguments
    assert one.arguments["representations"] == [{"__typename": "User", "id": "1"}]


def test_aliases_are_places_of_their_own() -> None:
    both = read('{ a: user(by: {id: "1"}) { id } b: user(by: {id: "2"}) { biography } }')
    assert [(selection.path, selection.facts) for selection in both] == [
        (("a",), FactKind.IDENTITY),
        (("b",), FactKind.PROFILE),
    ]


def test_the_same_field_selected_twice_is_one_place() -> None:
    twice = user("username ...F username", "fragment F on User { biography ...G } fragment G on User { username }")
    assert twice.facts == FactKind.SUMMARY | FactKind.PROFILE


def test_fragments_are_read_where_they_are_spread() -> None:
    inline = user("... on User { biography } ... { username }")
    named = user("...A", "fragment A on User { biography ...B } fragment B on User { username }")
    assert inline == named
    assert inline.facts == FactKind.SUMMARY | FactKind.PROFILE


@pytest.mark.parametrize(
    ("directive", "selected"),
    [
        ("@skip(if: true)", False),
        ("@skip(if: false)", True),
        ("@include(if: true)", True),
        ("@include(if: false)", False),
        ("@include(if: $yes)", True),
        ("@skip(if: $yes)", False),
        ("@include(if: $no) @skip(if: $no)", False),
    ],
)
@pytest.mark.parametrize("form", ["biography {}", "... {} {{ biography }}", "... on User {} {{ biography }}"])
def test_what_is_skipped_is_not_needed(directive: str, selected: bool, form: str) -> None:
    fields = form.format(directive)
    text = f'query($yes: Boolean = true, $no: Boolean = false) {{ user(by: {{id: "1"}}) {{ {fields} }} }}'
    used = text if "$yes" in directive else text.replace("$yes: Boolean = true, ", "")
    used = used if "$no" in directive else used.replace("$no: Boolean = false", "").replace("query()", "query")
    assert bool(only(used).facts & FactKind.PROFILE) is selected


def test_variables_take_the_place_of_arguments_and_defaults_where_they_are_left_out() -> None:
    text = "query($by: UserBy!, $first: Int! = 2) { user(by: $by) { highlights(first: $first) { totalCount } } }"
    given_one = only(text, {"by": {"username": "natgeo"}, "first": 5})
    left_out = only(text, {"by": {"username": "natgeo"}})
    assert given_one.arguments == {"by": {"username": "natgeo"}}
    assert [given_one.children[0].arguments["first"], left_out.children[0].arguments["first"]] == [5, 2]


@pytest.mark.parametrize("variables", [None, {}, {"by": None}, {"by": {}}, {"by": {"id": "1", "url": "x"}}, {"by": 7}])
def test_variables_that_do_not_fit_need_nothing(variables: dict[str, Any] | None) -> None:
    """Execution says what is wrong with them, and nothing has been bought by then."""
    assert read("query($by: UserBy!) { user(by: $by) { biography } }", variables) == ()


def test_variables_that_nobody_declared_change_nothing() -> None:
    text = '{ user(by: {id: "1"}) { id } }'
    assert read(text, {"by": "x", "more": [1]}) == read(text)


@pytest.mark.parametrize("field", ["user(by: $by) { biography }", "users(by: [$by]) { biography }"])
def test_an_argument_that_turns_out_null_names_nothing(field: str) -> None:
    """A nullable variable with a default may stand where null may not: only execution finds out."""
    selection = only(f'query($by: UserBy = {{id: "1"}}) {{ {field} }}', {"by": None})
    assert selection.arguments == {}


def test_the_operation_of_that_name_is_read() -> None:
    text = 'query A { user(by: {id: "1"}) { id } } query B { highlight(by: {id: "2"}) { id } }'
    assert [selection.edge for selection in read(text, operation="B")] == [Root(EntityType.HIGHLIGHT)]
    assert read(text, operation="C") == ()
    assert read(text) == ()


@pytest.mark.parametrize(
    "text", ["{ __typename }", "{ __schema { types { name } } }", "{ allowance { client } }", "{ _service { sdl } }"]
)
def test_what_is_about_the_gateway_itself_needs_nothing(text: str) -> None:
    assert read(text) == ()


def test_many_at_once_keep_their_arguments() -> None:
    users = only('{ users(by: [{id: "1"}, {username: "x"}]) { id } }')
    assert (users.edge, users.arguments) == (Root(EntityType.USER, many=True), {"by": [{"id": "1"}, {"username": "x"}]})
    highlights = only('{ highlights(ids: ["1", "2"]) { title } }')
    assert (highlights.edge, highlights.arguments) == (
        Root(EntityType.HIGHLIGHT, "ids", many=True),
        {"ids": ["1", "2"]},
    )


def test_a_kind_is_told_as_what_it_is() -> None:
    (items,) = only('{ highlight(by: {id: "1"}) { items(kind: VIDEO, first: 2) { nodes { id } } } }').children
    assert items.arguments["kind"] in (MediaKind.VIDEO, "VIDEO")


def test_people_on_items_are_entities() -> None:
    text = "items { nodes { user { id } mentions { x user { username } } sponsors { biography } } }"
    (items,) = only(f'{{ highlight(by: {{id: "1"}}) {{ user {{ id }} {text} }} }}').by(Relation.ITEMS)
    assert {child.edge: child.facts for child in items.children} == {
        Relation.AUTHOR: FactKind.IDENTITY,
        Relation.MENTIONED: FactKind.SUMMARY,
        Relation.SPONSOR: FactKind.PROFILE,
    }


def test_references_are_read_by_type() -> None:
    text = """query($refs: [_Any!]!) { _entities(representations: $refs) {
        ... on User { biography } ... on Highlight { items { totalCount } } ... on Item { code } __typename } }"""
    refs = [{"__typename": "User", "id": "1"}, {"__typename": "Item", "id": "2"}]
    references = only(text, {"refs": refs})
    assert (references.edge, references.arguments) == (Relation.REFERENCES, {"representations": refs})
    assert {child.arguments["type"]: child.facts for child in references.children} == {
        "User": FactKind.PROFILE,
        "Highlight": NONE,
        "Item": FactKind.ITEM,
        "Media": NONE,
        "Hashtag": NONE,
        "Location": NONE,
    }
    (highlight,) = (child for child in references.children if child.arguments["type"] == "Highlight")
    assert [child.edge for child in highlight.children] == [Relation.ITEMS]


# -- what is deferred


def test_what_is_deferred_is_left_to_be_bought_when_it_is_executed() -> None:
    selection = user("username ... @defer { biography highlights { nodes { title } } }")
    assert (selection.facts, selection.children) == (FactKind.SUMMARY, ())


def test_what_is_both_deferred_and_not_is_needed_now() -> None:
    assert user("biography ... @defer { biography }").facts == FactKind.PROFILE


def test_a_deferral_that_is_switched_off_is_none() -> None:
    assert user("... @defer(if: false) { biography }").facts == FactKind.PROFILE


@pytest.mark.parametrize("deferred", ["title", "user { username }", "title items { totalCount }"])
def test_what_a_deferred_part_reads_off_its_highlight_has_to_be_there_by_then(deferred: str) -> None:
    """A resolver is handed the highlight itself; it can ask for items later, and not for a title."""
    highlight = only(f'{{ highlight(by: {{id: "1"}}) {{ id ... @defer {{ {deferred} }} }} }}')
    assert (highlight.facts, highlight.children) == (FactKind.TRAY_ENTRY, ())


def test_deferred_items_need_nothing_now() -> None:
    highlight = only('{ highlight(by: {id: "1"}) { id ... @defer { items { totalCount } } } }')
    assert (highlight.facts, highlight.children) == (NONE, ())


@pytest.mark.parametrize("deferred", ["title", "user { username }", "title items { totalCount }"])
@pytest.mark.parametrize(
    "root",
    [
        'highlight(by: {id: "1"})',
        'highlights(ids: ["1"])',
        'highlights(ids: ["1"]) @stream',
        '_entities(representations: [{__typename: "Highlight", id: "1"}])',
    ],
)
def test_a_highlight_that_is_deferred_as_a_whole_is_needed_now_and_what_is_below_it_is_not(
    root: str, deferred: str
) -> None:
    fields = f"... on Highlight {{ {deferred} }}" if root.startswith("_") else deferred
    found = only(f"{{ __typename ... @defer {{ {root} {{ {fields} }} }} }}")
    for highlight in found.children or (found,):
        assert (highlight.facts, highlight.children) == (FactKind.TRAY_ENTRY, ())


@pytest.mark.parametrize(
    "deferred",
    [
        'highlight(by: {id: "1"}) { id url }',
        'highlight(by: {id: "1"}) { items { totalCount } }',
        'user(by: {username: "natgeo"}) { biography highlights { nodes { title } } }',
        '_entities(representations: [{__typename: "Item", id: "1_2"}]) { ... on Item { code } }',
    ],
)
def test_of_other_deferred_roots_nothing_is_needed_now(deferred: str) -> None:
    assert read(f"{{ __typename ... @defer {{ {deferred} }} }}") == ()


# -- whatever comes


LEAVES = ["id", "username", "biography", "__typename"]


@given(st.data())
def test_what_is_needed_does_not_depend_on_how_the_selection_is_written(data: st.DataObject) -> None:
    """Any way of cutting a selection into fragments, repeating and reordering its fields needs the same."""
    fields = data.draw(st.lists(st.sampled_from(LEAVES), min_size=1, max_size=5))
    written: list[str] = []
    for field in data.draw(st.permutations(fields)):
        form = data.draw(st.sampled_from(["{}", "... {{ {} }}", "... on User {{ {} }}", "alias: {}", "{0} {0}"]))
        written.append(form.format(field) if form != "alias: {}" or "alias: " not in " ".join(written) else field)
    assert user(" ".join(written)).facts == user(" ".join(fields)).facts
