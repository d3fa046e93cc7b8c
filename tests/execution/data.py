"""Random sources for the fields of `world`: mostly what the schema promises, with anomalies strewn in.

Everything is drawn as a *recipe*, a function that makes the value anew, so that each run gets fresh coroutines and
iterators. Coroutines that nobody came to await are closed with `dispose`.
"""

from __future__ import annotations

import datetime
import decimal
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import msgspec
from graphql import (
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    Undefined,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
)

from tests.execution import world
from tests.execution.world import GRAPH, SPECIAL_WORDS, Kind, Later

Recipe = Callable[[], Any]
SOURCES = ("instance", "struct", "moody", "proxy", "mapping")
LATEST = datetime.datetime.max.replace(tzinfo=datetime.UTC)


class Subclassed(str):
    """A string that is not exactly a str."""


class Tuple(tuple[Any, ...]):
    """A tuple that is not exactly a tuple."""


class Failing(Exception):
    def __str__(self) -> str:
        return "stored in the data"


class Proxy:
    """Looks like its target, awaitable if that is."""

    def __init__(self, target: Any) -> None:
        self.target = target

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


async def coroutine(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


LEAVES: dict[str, list[Any]] = {
    "String": ["", "é🦋", "story", '"quoted"', Subclassed("sub")],
    "Int": [0, -5, 2**31 - 1, -(2**31), True, 7.0, "12", decimal.Decimal(4)],
    "Float": [0.5, -1e300, 1.7976931348623157e308, 3, True, "2.5"],
    "Boolean": [True, False, 0, 1.0],
    "ID": ["1", "x", 12, 3.0, Subclassed("id")],
    "Kind": [Kind.STORY, Kind.FEED, Kind.NONE, "story", 0],
    "DateTime": [datetime.datetime(2025, 1, 2, 3, 4, 5, tzinfo=datetime.UTC), LATEST, datetime.datetime.min],
    "BigInt": [2**63 - 1, 2**64, -(2**63), 5],
    "Words": [["a", "b"], ("c",), "de", []],
    "JSON": [{"a": [1, None]}, [1], "s", 1, float("nan"), {1: (2,)}],
    "Decimal": [decimal.Decimal("1.50"), decimal.Decimal("NaN")],
}
ODD: dict[str, list[Any]] = {
    "Int": [2**31, -(2**31) - 1, 2**40, 1.5, float("nan"), float("inf"), "1e3", []],
    "Float": [float("nan"), float("inf"), -float("inf"), 10**400, "x", {}],
    "String": [["no"], {"no": 1}, object(), b"bytes"],
    "ID": [True, 1.5, ["no"], object()],
    "Boolean": ["true", float("nan"), None],
    "Kind": ["nope", [], 3, True, object()],
    "DateTime": ["2025-01-01", 3, datetime.date(2025, 1, 1)],
    "BigInt": ["5", True, 1.0],
    "Words": [7, *SPECIAL_WORDS],
    "JSON": [object(), {2}],
    "Decimal": [1, "1.5"],
}
ANYTHING: list[Recipe] = [
    lambda: None,
    lambda: Undefined,
    lambda: Failing(),
    lambda: Later(None),
    lambda: Later("later"),
    lambda: Later(Failing()),
    lambda: Proxy(Later("through")),
    lambda: iter(["once", None]),
    lambda: (letter for letter in "abc"),
    lambda: ("a", "b"),
    lambda: Tuple(("a",)),
    lambda: [1, None, "x", Undefined],
    lambda: [Failing(), Later(1)],
    lambda: {"text": "t"},
    lambda: {"unordered"},
    lambda: SimpleNamespace(text="t", name="n"),
    lambda: 7,
    lambda: "text",
]


def moody(names: tuple[str, ...]) -> type:
    """A class whose properties make their values, and so may raise."""

    def reader(name: str) -> property:
        return property(lambda self: self.values[name]())

    def start(self: Any, values: dict[str, Recipe]) -> None:
        self.values = values

    return type("Moody", (), {"__init__": start, **{name: reader(name) for name in names}})


PLAIN_FIELDS = {
    type_.name: tuple(each.python_name for each in definition.fields if not each.base_resolver)
    for type_ in GRAPH.type_map.values()
    if isinstance(type_, GraphQLObjectType) and (definition := type_.extensions.get("strawberry-definition"))
}
STRUCTS = {name: msgspec.defstruct(name, [(each, Any) for each in names]) for name, names in PLAIN_FIELDS.items()}
MOODY = {name: moody(names) for name, names in PLAIN_FIELDS.items()}
CLASSES = {"LeavesEdge": world.Edge, **{name: getattr(world, name) for name in PLAIN_FIELDS if hasattr(world, name)}}
MEMBERS = {"Photo", "Video", "Text", "Drawing"}
READ_BY = {"leavesOrNull": "later"}  # the field that resolves it


@dataclass
class Cook:
    """Draws recipes for the fields `selected`, by name.

    `oddity` is the chance of an anomaly at each value; `sources` are the kinds of objects to make.
    """

    rng: random.Random
    oddity: float
    sources: tuple[str, ...]
    selected: frozenset[str]
    coroutines: list[Coroutine[Any, Any, Any]] = field(default_factory=list)

    def recipe(self, type_: GraphQLOutputType, depth: int) -> Recipe:
        """A recipe for a value of `type_`, with objects nested up to `depth`."""
        nullable = not isinstance(type_, GraphQLNonNull)
        inner: Any = type_ if nullable else type_.of_type  # type: ignore[union-attr]
        if self.rng.random() < self.oddity:
            return self.odd(get_named_type(inner).name, self.recipe(inner, depth) if depth > 0 else None)
        named = get_named_type(inner)
        if nullable and (self.rng.random() < 0.1 or (depth <= 0 and not is_leaf_type(named))):
            return lambda: None
        if isinstance(inner, GraphQLList):
            length = self.rng.choice((0, 1, 2, 4)) if depth > 0 or is_leaf_type(named) else 0
            return self.listed([self.recipe(inner.of_type, depth) for _ in range(length)])
        if is_leaf_type(named):
            value = self.rng.choice(LEAVES[named.name])
            return lambda: value
        members: Any = GRAPH.get_possible_types(inner) if is_abstract_type(inner) else [inner]
        return self.object(self.rng.choice(members), depth)

    def listed(self, made: list[Recipe]) -> Recipe:
        kind = self.rng.choice((list, list, list, tuple))
        return lambda: kind([make() for make in made])

    def odd(self, name: str, regular: Recipe | None) -> Recipe:
        """Something else than the schema says; of `regular` it is promised, delayed, wrapped or iterated."""
        choices: list[Recipe] = list(self.rng.choices(ANYTHING, k=2))
        if name in ODD:
            value = self.rng.choice(ODD[name])
            choices += [lambda: value] * 3
        if regular is not None:
            choices += [
                lambda: Later(regular()),
                lambda: self.pending(regular()),
                lambda: self.pending(Failing()),
                lambda: iter([regular()]),
                lambda: Proxy(regular()),
            ]
        return self.rng.choice(choices)

    def pending(self, value: Any) -> Coroutine[Any, Any, Any]:
        made = coroutine(value)
        self.coroutines.append(made)
        return made

    def object(self, type_: GraphQLObjectType, depth: int) -> Recipe:
        values: dict[str, Recipe] = dict.fromkeys(PLAIN_FIELDS[type_.name], lambda: None)
        for name, each in type_.fields.items():
            python_name = each.extensions["strawberry-definition"].python_name
            if python_name in values and self.selected & {name, READ_BY.get(name)}:
                values[python_name] = self.recipe(each.type, depth - (not is_leaf_type(get_named_type(each.type))))
        return self.source(type_, values)

    def source(self, type_: GraphQLObjectType, values: dict[str, Recipe]) -> Recipe:
        """Members of abstract types are known by their class, so they mostly get their own."""
        name = type_.name
        kind = "instance" if name in MEMBERS and self.rng.random() < 0.9 else self.rng.choice(self.sources)
        if kind == "instance":
            return lambda: CLASSES[name](**{each: make() for each, make in values.items()})
        if kind == "struct":
            return lambda: STRUCTS[name](**{each: make() for each, make in values.items()})
        if kind == "mapping":
            return lambda: {each: make() for each, make in values.items()}
        if self.rng.random() < self.oddity * 5:
            values[self.rng.choice(list(values))] = self.failing
        if kind == "proxy":
            return lambda: Proxy(MOODY[name](values))
        return lambda: MOODY[name](values)

    @staticmethod
    def failing() -> Any:
        raise LookupError("no such value")

    def dispose(self) -> None:
        for each in self.coroutines:
            each.close()
        self.coroutines.clear()
