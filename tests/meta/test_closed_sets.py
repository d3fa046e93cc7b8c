"""What is added to a closed set, an enum or a union of our classes, is nowhere taken for something else.

mypy names each `match` that does not know it (`exhaustive-match`, `assert_never`). These rules keep a default case from
hiding it, and a table from not having it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.meta.tree import trees

ENUMS = {"enum.Enum", "enum.IntEnum", "enum.StrEnum"}
# The tree of errors grows, and a union may name its root.
OPEN = {"GatewayError", "Refused", "InsufficientFunds"}
# Their tables of some members are asked whether they have one.
PARTIAL = {"gateway/cache/entity_cache.py"}


def matches(tree: ast.AST) -> list[ast.Match]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Match)]


def is_default(case: ast.match_case) -> bool:
    """Whether it takes whatever is left."""
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None


def ends_in_assert_never(match: ast.Match) -> bool:
    *_, last = match.cases[-1].body
    return isinstance(last, ast.Expr) and ast.unparse(last).startswith("assert_never(")


@cache
def members() -> dict[str, list[set[str]]]:
    """Of our enums, by the name that several of them may have."""
    found: dict[str, list[set[str]]] = {}
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and {ast.unparse(base) for base in node.bases} & ENUMS:
                targets = [target for line in node.body if isinstance(line, ast.Assign) for target in line.targets]
                found.setdefault(node.name, []).append({ast.unparse(target) for target in targets})
    return found


@cache
def closed() -> frozenset[str]:
    """The names of our enums, and of the classes that our unions are made of."""
    classes = {node.name for _, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    values = [getattr(node, "value", None) for _, tree in trees() for node in tree.body]
    arms = {name for value in values for name in _arms(value)}
    return frozenset(members().keys() | (arms & classes - OPEN))


def _arms(union: ast.expr | None) -> Iterator[str]:
    if isinstance(union, ast.BinOp) and isinstance(union.op, ast.BitOr):
        yield from _arms(union.left)
        yield from _arms(union.right)
    elif isinstance(union, ast.Name):
        yield union.id


def names_in(pattern: ast.pattern) -> Iterator[str]:
    """The classes and enums that stand in it, but for those inside a list or an object."""
    match pattern:
        case ast.MatchOr(patterns):
            for inner in patterns:
                yield from names_in(inner)
        case ast.MatchAs(ast.pattern() as inner, _):
            yield from names_in(inner)
        case ast.MatchClass(ast.Name(name)):
            yield name
        case ast.MatchValue(ast.Attribute(ast.Name(name), _)):
            yield name
        case _:
            pass


def places(wrong: Iterator[tuple[Path, ast.Match]]) -> str:
    return "\n".join(f"{path}:{match.lineno}: match {ast.unparse(match.subject)}" for path, match in wrong)


def test_each_match_says_what_becomes_of_the_rest() -> None:
    open_ended = ((path, match) for path, tree in trees() for match in matches(tree) if not is_default(match.cases[-1]))
    assert not places(open_ended)


def test_a_match_over_a_closed_set_ends_in_assert_never() -> None:
    """One over exceptions or events, which are open, has a default."""
    wrong = (
        (path, match)
        for path, tree in trees()
        for match in matches(tree)
        if any(name in closed() for case in match.cases for name in names_in(case.pattern))
        and not ends_in_assert_never(match)
    )
    assert not places(wrong)


def test_closed_sets_are_recognised() -> None:
    assert {"FactKind", "Relation", "UserId", "LoadedHighlight", "LinkedMedium", "Ping", "EdgeHtml"} <= closed()
    assert not {"str", "GatewayError", "Event"} & closed()
    assert {"V0_1", "V0_2"} in members()["Incremental"]


def test_a_table_by_the_members_of_an_enum_has_all_of_them() -> None:
    tables = [(path, node) for path, tree in trees() for node in ast.walk(tree) if isinstance(node, ast.Dict)]
    wrong = [f"{path}:{table.lineno}" for path, table in tables if str(path) not in PARTIAL and not is_whole(table)]
    assert not wrong


def is_whole(table: ast.Dict) -> bool:
    keys = [key for key in table.keys if isinstance(key, ast.Attribute) and isinstance(key.value, ast.Name)]
    enums = {ast.unparse(key.value) for key in keys}
    known = members().get(enums.pop(), []) if len(enums) == 1 else []
    return not known or {key.attr for key in keys} in known
