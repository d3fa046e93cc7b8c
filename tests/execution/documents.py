"""Random operations on the schema of `world`."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    OverlappingFieldsCanBeMergedRule,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    parse,
    validate,
)

from tests.execution.world import GRAPH

RULES = [OverlappingFieldsCanBeMergedRule]  # all other rules hold by construction
CONDITIONS = [
    "@skip(if: $p)",
    "@include(if: $p)",
    "@include(if: $q)",
    "@skip(if: true)",
    "@include(if: true) @skip(if: $q)",
]
VARIABLES = "($p: Boolean! = false, $q: Boolean! = true, $n: Int = 2)"
ENTITIES = '_entities(representations: [{__typename: "Box", name: "a"}, {__typename: "Box", name: "b"}])'
ARGUMENTS = {
    "shout": ("", "(times: 3)", "(times: $n)"),
    "quick": ("", "(times: 3)", "(times: $n)", "(kind: REEL)", "(kind: null, times: $n)"),
}
ROOTS = {"query": ("box", "boxes", "many", "medias", "_entities"), "mutation": ("boxes",), "subscription": ("box",)}


@dataclass
class Writer:
    rng: random.Random
    incremental: bool
    fragments: list[str] = field(default_factory=list)
    labels: int = 0

    def operation(self, kind: str) -> str:
        root: Any = {
            "query": GRAPH.query_type,
            "mutation": GRAPH.mutation_type,
            "subscription": GRAPH.subscription_type,
        }[kind]
        names = ROOTS[kind]
        chosen = self.rng.sample(names, self.rng.randint(1, min(2, len(names))))
        fields = " ".join(self.root_field(name, root.fields[name]) for name in chosen)
        return "\n".join((f"{kind} Q{VARIABLES} {{ {fields} }}", *self.fragments))

    def root_field(self, name: str, field: GraphQLField) -> str:
        selection = self.selection(get_named_type(field.type), self.rng.randint(1, 3))
        return f"{ENTITIES if name == '_entities' else name} {selection}"

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def selection(self, type_: Any, depth: int) -> str:
        parts = self.on_members(type_, depth) if is_abstract_type(type_) else self.on_fields(type_, depth)
        if self.chance(0.2):
            parts.insert(self.rng.randint(0, len(parts)), self.rng.choice(("__typename", "kind_of: __typename")))
        return f"{{ {' '.join(parts or ['__typename'])} }}"

    def on_members(self, type_: Any, depth: int) -> list[str]:
        parts = [self.rng.choice(("id", "label", "l: label"))] if type_.name == "Node" and self.chance(0.6) else []
        members = [member for member in GRAPH.get_possible_types(type_) if self.chance(0.7)]
        parts += [self.spread(member.name, self.selection(member, depth)) for member in members]
        if type_.name == "Media" and self.chance(0.2):
            parts.append("... on Node { id }")
        return parts

    def on_fields(self, type_: Any, depth: int) -> list[str]:
        parts = []
        names = [name for name in type_.fields if depth > 0 or is_leaf_type(get_named_type(type_.fields[name].type))]
        for name in self.rng.sample(names, self.rng.randint(1, min(len(names), 6))):
            if name == "bang" and self.chance(0.9):  # it leaves nothing of its object
                continue
            part = self.wrapped(type_.name, self.field(type_, name, depth))
            parts += [part, part] if self.chance(0.06) else [part]
        return parts

    def field(self, type_: Any, name: str, depth: int) -> str:
        definition: GraphQLField = type_.fields[name]
        alias = f"{self.rng.choice('ab')}_{type_.name}_{name}: " if self.chance(0.25) else ""
        arguments = self.rng.choice(ARGUMENTS.get(name, ("",)))
        if arguments:
            alias = f"{name}{len(arguments)}: "
        directive = f" {self.rng.choice(CONDITIONS)}" if self.chance(0.15) else ""
        nullable = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
        if self.incremental and isinstance(nullable, GraphQLList) and self.chance(0.3):
            self.labels += 1
            alias, directive = f"s{self.labels}: ", f" @stream(initialCount: {self.rng.randint(0, 2)}, if: $q)"
        named: Any = get_named_type(nullable)
        inner = "" if is_leaf_type(named) else f" {self.selection(named, depth - 1)}"
        return f"{alias}{name}{arguments}{directive}{inner}"

    def wrapped(self, type_name: str, part: str) -> str:
        if self.chance(0.65):
            return part
        return self.spread(self.rng.choice((type_name, "")), f"{{ {part} }}")

    def spread(self, type_name: str, selection: str) -> str:
        directive = self.rng.choice(("", "", "", " @include(if: $q)", " @skip(if: $p)"))
        if self.incremental and self.chance(0.4):
            self.labels += 1
            condition = self.rng.choice(("", ", if: $p", ", if: $q"))
            directive = f' @defer(label: "d{self.labels}"{condition})'
        if type_name and self.chance(0.3):
            name = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {name} on {type_name} {selection}")
            return f"...{name}{directive}"
        return f"...{f' on {type_name}' if type_name else ''}{directive} {selection}"


def document(rng: random.Random, kind: str, *, incremental: bool) -> tuple[str, DocumentNode]:
    """A valid document of one operation; drawn again where the fields can not be merged."""
    while True:
        text = Writer(rng, incremental).operation(kind)
        parsed = parse(text)
        if not validate(GRAPH, parsed, RULES):
            return text, parsed


def words(text: str) -> frozenset[str]:
    """All names in a document, those of its fields among them."""
    return frozenset(re.findall(r"\w+", text))
