"""Documents drawn from the schema: mostly valid ones, with values at their limits and a few mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)
from hypothesis import strategies as st

DEEPEST = 4
ON_FIELDS = ("",) * 20 + (" @include(if: true)", " @skip(if: $on)", " @defer", " @no")
ON_LISTS = ("", "", " @stream", " @stream(initialCount: 1)", " @stream(if: $on)")
ON_FRAGMENTS = ("",) * 5 + (" @defer", " @defer(if: $on)", " @include(if: $on)", " @stream")
HEADS = ("query Q",) * 12 + ("query", "query P", "mutation", "subscription")
DECLARED = {"$on": "$on: Boolean! = true", "$odd": "$odd: JSON"}
IDS = (
    '"787132"',
    '"natgeo"',
    '"thirty.highlights"',
    '"highlight:17983616051768088"',
    '"https://www.instagram.com/s/aGlnaGxpZ2h0OjE4MDg1NDc1NjcxODMwNDQw"',
    '"https://www.instagram.com/natgeo/"',
    '"private.person"',
    "787132",
    '"\\u0000"',
    '"../x?y#z"',
    '""',
    "-1",
    "99999999999999999999999",
)
# By the name of the argument or the key.
FITTING = {
    "id": ('"787132"', '"highlight:17983616051768088"', '"75885841119"'),
    "username": ('"natgeo"', '"thirty.highlights"', '"private.person"', '"nobody.at.all"'),
    "url": IDS[4:6],
    "ids": ('"highlight:17983616051768088"', '"18085475671830440"'),
    "first": ("0", "1", "3", "100"),
    "document": ('"{ user(by: { username: \\"natgeo\\" }) { biography } }"', '"{ user { "'),
}
ODD = ("null", "$odd", "[]", "{}", "3", "-1", "1e400", "true", "WORD", '"""block"""', "[[1]]", "{a: 1}", '"\U0001f98b"')
NUMBERS = ("0", "1", "3", "100", "101", "-1", "2147483647", "2147483648", "1.5")

Draw = Callable[[st.SearchStrategy[Any]], Any]


@st.composite
def requests(draw: Draw, schema: GraphQLSchema) -> dict[str, Any]:
    """The members of a GraphQL request."""
    writer = _Writer(draw, schema)
    body = writer.selection(schema.query_type, 0)
    text = "\n".join([body, *writer.fragments])
    declared = ", ".join(declaration for name, declaration in DECLARED.items() if name in text)
    text = draw(st.sampled_from(HEADS)) + (f"({declared}) " if declared else " ") + text
    return {
        "query": draw(mangled(text)),
        "variables": draw(st.just({}) | st.dictionaries(st.sampled_from(("on", "odd", "x")), json_values, max_size=2)),
        "operationName": draw(st.sampled_from((None,) * 12 + ("Q", "P", ""))),
    }


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mangled(draw: Draw, text: str) -> str:
    """Often as it is; else a piece is lost, doubled, or something foreign put in."""
    way = draw(st.sampled_from(("keep",) * 9 + ("lose", "double", "insert")))
    if way == "keep":
        return text
    start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    foreign: str = draw(st.text(max_size=5) | st.sampled_from(('"', '"""', "{", "...", "$", "#")))
    before, after = {"insert": (start, start), "lose": (start, end), "double": (end, start)}[way]
    return text[:before] + (foreign if way == "insert" else "") + text[after:]


class _Writer:
    def __init__(self, draw: Draw, schema: GraphQLSchema) -> None:
        self.draw = draw
        self.schema = schema
        self.fragments: list[str] = []

    def selection(self, type_: Any, depth: int) -> str:
        chosen = [self.node(type_, depth) for _ in range(self.draw(st.integers(1, 3)))]
        return "{ " + " ".join(chosen) + " }"

    def node(self, type_: Any, depth: int) -> str:
        kind = self.draw(st.sampled_from(("field", "field", "field", "inline", "fragment", "__typename", "nonsense")))
        if kind == "field" and isinstance(type_, GraphQLObjectType):
            name = self.draw(st.sampled_from(sorted(type_.fields)))
            return self.field(name, type_.fields[name], depth)
        if kind in ("inline", "fragment") and depth < DEEPEST:
            return self.fragment(kind, self.narrowed(type_), depth)
        return "nonsense" if kind == "nonsense" and self.draw(st.integers(0, 9)) == 9 else "__typename"

    def field(self, name: str, field: GraphQLField, depth: int) -> str:
        type_ = get_named_type(field.type)
        alias = self.draw(st.sampled_from(("",) * 9 + ("a: ", "id: ")))
        given = [f"{key}: {self.value(arg.type, key)}" for key, arg in field.args.items() if self.is_given(arg.type)]
        arguments = f"({', '.join(given)})" if given else ""
        has_fields = isinstance(type_, GraphQLObjectType | GraphQLUnionType)
        if has_fields and depth >= DEEPEST:
            return "__typename"
        below = " " + self.selection(type_, depth + 1) if has_fields else ""
        directive = self.draw(st.sampled_from(ON_LISTS if is_list_type(get_nullable_type(field.type)) else ON_FIELDS))
        return f"{alias}{name}{arguments}{directive}{below}"

    def fragment(self, kind: str, on: str, depth: int) -> str:
        directive = self.draw(st.sampled_from(ON_FRAGMENTS))
        body = self.selection(self.schema.type_map[on], depth + 1)
        if kind == "inline":
            return f"... on {on}{directive} {body}"
        name = f"F{len(self.fragments)}"
        self.fragments.append(f"fragment {name} on {on} {body}")
        return f"...{name}{directive}"

    def narrowed(self, type_: Any) -> str:
        types = self.schema.get_possible_types(type_) if isinstance(type_, GraphQLUnionType) else [type_]
        return str(self.draw(st.sampled_from([one.name for one in types])))

    def is_given(self, type_: GraphQLInputType) -> bool:
        return bool(is_non_null_type(type_) or self.draw(st.booleans()))

    def value(self, type_: GraphQLInputType, name: str) -> str:
        if self.draw(st.integers(0, 39)) == 39:
            return str(self.draw(st.sampled_from(ODD)))
        if isinstance(type_, GraphQLNonNull):
            return self.value(type_.of_type, name)
        if is_list_type(type_):
            return "[" + ", ".join(self.value(type_.of_type, name) for _ in range(self.draw(st.integers(0, 3)))) + "]"
        return self.leaf(get_named_type(type_), name)

    def leaf(self, type_: Any, name: str) -> str:
        if isinstance(type_, GraphQLInputObjectType):
            key = self.draw(st.sampled_from(sorted(type_.fields)))
            return f"{{ {key}: {self.value(type_.fields[key].type, key)} }}"
        if isinstance(type_, GraphQLEnumType):
            return str(self.draw(st.sampled_from(sorted(type_.values))))
        if type_.name == "_Any":
            return (
                f"{{ __typename: {json.dumps(self.draw(st.sampled_from(('User', 'Item', 'Nope'))))}, id: {self.id()} }}"
            )
        known = FITTING.get(name, ())
        return str(self.draw(st.sampled_from((*known * 9, *(NUMBERS if type_.name == "Int" else IDS)))))

    def id(self) -> str:
        return str(self.draw(st.sampled_from(FITTING["id"] + IDS)))
