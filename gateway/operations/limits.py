"""Size limits of documents. All checks are linear in the text and run before any step that is not.

Each fragment is measured once, however often it is spread: fragments that double forty times cost forty steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    OperationDefinitionNode,
    SelectionSetNode,
    Source,
)

from gateway.errors import TooComplex

# The maximum of each counted size. About four times what the largest query of a frontend needs; parsing and validating
# a document at all of these limits takes tens of milliseconds of the event loop.
LIMITS = {
    "characters": 100_000,
    "lines": 5_000,  # each error with more than one location counts the lines again
    "tokens": 2_000,
    "word length": 200,  # response keys: each entry of a list and each error in it repeats them
    "nesting": 50,  # of brackets: every walk over a document recurses that deep
    "fragments": 100,  # validation compares each pair
    "depth": 20,  # the introspection queries of common tools have 15
    "aliases": 100,
    "directives": 100,
    "root fields": 50,
    "fields": 500,  # with fragments expanded
    "repetitions": 16,  # of one field with a selection, in one place: validation compares each pair
    "introspection": 3,  # nested lists of the schema: the response grows exponentially with them
    "keys": 1_000,  # of all root fields, and of a whole batch: each key is fetched separately
}
# The upper bound of reported counts, which nested fragments can double.
COUNTABLE = 1_000_000_000
# An unclosed string is one token up to its latest possible end, so that no character is scanned twice.
TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\"""|\\|"(?!""))*+(?:"""|\Z)'
    r'|"(?:[^"\\\n\r]++|\\.)*+"?'
    r"|\#[^\n\r]*+|\.\.\.|[_A-Za-z][_0-9A-Za-z]*+|-?[0-9]++(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+|[!$&()\[\]{}:=@|]"
)
NESTING = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}
INTROSPECTIVE = frozenset({"__schema", "__type"})
SCHEMA_LISTS = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})


def check_text(text: str) -> None:
    """Check the limits that apply before parsing. Raise a GraphQLError for TooComplex that points at the excess."""
    lines = 1 + text.count("\n") + text.count("\r") - text.count("\r\n")
    for limit, value in (("characters", len(text)), ("lines", lines)):
        if value > LIMITS[limit]:
            raise _refusal(limit, value, source=Source(""), positions=[0])
    depth = 0
    for count, token in enumerate(TOKEN.finditer(text), 1):
        depth += NESTING.get(token[0], 0)
        word_length = 0 if token[0][0] in '"#' else len(token[0])
        for limit, value in (("tokens", count), ("word length", word_length), ("nesting", depth)):
            if value > LIMITS[limit]:
                raise _refusal(limit, value, source=Source(text), positions=[token.start()])


def check_document(document: DocumentNode) -> None:
    """Check the limits that apply before validation. Raise a GraphQLError for TooComplex that shows the operation."""
    fragments = {
        node.name.value: node.selection_set for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    if len(fragments) > LIMITS["fragments"]:
        raise _refusal("fragments", len(fragments), nodes=[document])
    meter = _SizeMeter(fragments)
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            size = meter.measure(node.selection_set)
            size.directives += len(node.directives or ())
            _check(size, node)


def _check(size: Size, operation: OperationDefinitionNode) -> None:
    for limit, value in size.figures().items():
        if value > LIMITS[limit]:
            raise _refusal(limit, value, nodes=[operation])


def _refusal(limit: str, value: int, **place: Any) -> GraphQLError:
    most, value = LIMITS[limit], min(value, COUNTABLE)
    problem = TooComplex(
        f"The document exceeds the limit of {limit}: {value}; the maximum is {most}.",
        limit=limit,
        most=most,
        value=value,
    )
    return GraphQLError(problem.message, original_error=problem, **place)


@dataclass(slots=True)
class Size:
    """The size of a selection set, fragments expanded. `keys` counts its fields with a selection, by response key."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    roots: int = 0
    fields: int = 0
    repetitions: int = 0
    lists: int = 0
    introspection: int = 0
    keys: dict[str, int] = field(default_factory=dict)

    def figures(self) -> dict[str, int]:
        return {
            "depth": self.depth,
            "aliases": self.aliases,
            "directives": self.directives,
            "root fields": self.roots,
            "fields": self.fields,
            "repetitions": self.repetitions,
            "introspection": self.introspection,
        }

    def add(self, other: Size) -> None:
        """Add the size of a sibling selection."""
        self.depth = max(self.depth, other.depth)
        self.aliases += other.aliases
        self.directives += other.directives
        self.roots += other.roots
        self.fields += other.fields
        self.lists = max(self.lists, other.lists)
        self.introspection = max(self.introspection, other.introspection)
        self.repetitions = max(self.repetitions, other.repetitions)
        if self.fields <= LIMITS["fields"]:  # a larger document is refused anyway, so its keys need not be counted
            self._add_keys(other.keys)

    def _add_keys(self, others: dict[str, int]) -> None:
        """Add the smaller mapping to the larger one.

        Otherwise a chain of fragments would count the keys at its end once per link.
        """
        fewer = others
        if len(others) > len(self.keys):
            fewer, self.keys = self.keys, dict(others)
        for key, count in fewer.items():
            self.keys[key] = count + self.keys.get(key, 0)
            self.repetitions = max(self.repetitions, self.keys[key])

    def inside(self, node: FieldNode) -> Size:
        """Return the size of the field `node` whose selection has this size."""
        name, key = node.name.value, (node.alias or node.name).value
        lists = self.lists + (name in SCHEMA_LISTS)
        return Size(
            depth=self.depth + 1,
            aliases=self.aliases + (node.alias is not None),
            directives=self.directives,
            roots=1,
            fields=self.fields + 1,
            repetitions=self.repetitions,
            lists=lists,
            introspection=lists if name in INTROSPECTIVE else self.introspection,
            keys={key: 1} if node.selection_set else {},
        )


class _SizeMeter:
    """A measurement of the selections of one document."""

    def __init__(self, fragments: dict[str, SelectionSetNode]) -> None:
        self.fragments = fragments
        self.known: dict[str, Size] = {}
        for name in _inner_first(fragments):
            self.known[name] = self.measure(fragments[name])

    def measure(self, selections: SelectionSetNode | None) -> Size:
        """Return the size of the selections, without unknown fragments.

        The recursion is as deep as brackets nest, because fragments are measured before.
        """
        total = Size()
        for node in selections.selections if selections else ():
            total.directives += len(node.directives or ())
            if isinstance(node, FragmentSpreadNode):
                total.add(self.known.get(node.name.value, Size()))
            elif isinstance(node, FieldNode):
                total.add(self.measure(node.selection_set).inside(node))
            else:
                total.add(self.measure(getattr(node, "selection_set", None)))
        return total


def _inner_first(fragments: dict[str, SelectionSetNode]) -> Iterator[str]:
    """Yield every fragment after the fragments that it spreads. A cycle, which validation rejects, is cut anywhere."""
    spreads = {name: [inner for inner in spread_in(node) if inner in fragments] for name, node in fragments.items()}
    begun: set[str] = set()
    for name in fragments:
        path = [(name, iter(spreads[name]))] if name not in begun else []
        begun.add(name)
        while path:
            outer, rest = path[-1]
            inner = next((one for one in rest if one not in begun), None)
            if inner is None:
                path.pop()
                yield outer
            else:
                begun.add(inner)
                path.append((inner, iter(spreads[inner])))


def spread_in(selections: SelectionSetNode) -> Iterator[str]:
    """Yield the names of the fragments spread in `selections`, each once."""
    seen, left = set[str](), [selections]
    while left:
        for node in left.pop().selections:
            if isinstance(node, FragmentSpreadNode):
                seen.add(node.name.value)
            elif inner := getattr(node, "selection_set", None):
                left.append(inner)
    yield from seen
