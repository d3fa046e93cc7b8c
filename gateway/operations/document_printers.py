"""Printers of documents as client tools print them for hashing. Each has its own order and white space."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

from graphql import (
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    NameNode,
    Node,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Visitor,
)
from graphql.language import print_ast, visit

N = TypeVar("N", bound=Node)
Printer: TypeAlias = Callable[[Node], str]
TYPENAME = FieldNode(name=NameNode(value="__typename"), arguments=(), directives=())


class _Compact(Visitor):
    """Replace each object value by an enum value whose text is the compact form of the object."""

    def enter_object_value(self, node: ObjectValueNode, *_: Any) -> EnumValueNode:
        return EnumValueNode(value=_compact(node))


def print_like_graphql_js(node: Node) -> str:
    """Return the text that graphql-js 16, the version of most clients, prints.

    Version 17 and graphql-core put spaces inside braces.
    """
    return print_ast(visit(node, _Compact()))


def _compact(value: Node) -> str:
    if isinstance(value, ObjectValueNode):
        return f"{{{', '.join(f'{field.name.value}: {_compact(field.value)}' for field in value.fields)}}}"
    if isinstance(value, ListValueNode):
        return f"[{', '.join(map(_compact, value.values))}]"
    return print_ast(value)


# The printers of both versions: a hash identifies one exact text.
PRINTERS: tuple[Printer, ...] = (print_like_graphql_js, print_ast)


def as_relay(document: DocumentNode, show: Printer = print_like_graphql_js) -> str:
    """Return the text that `relay-compiler` prints for a document that its own transforms do not change."""
    return show(document)


def as_apollo(document: DocumentNode, show: Printer = print_like_graphql_js) -> str:
    """Return Apollo Client's text: `__typename` in every selection except the operation's, and the operation first."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = sorted((node for node in document.definitions if node not in operations), key=_name)
    definitions = [replace(node, selection_set=_each(node, _with_typename)) for node in operations]
    definitions += [_with_typename(node) for node in fragments]
    return show(replace(document, definitions=tuple(definitions)))


def as_codegen(document: DocumentNode, show: Printer = print_like_graphql_js) -> str:
    """Return the text of `@graphql-tools/documents`: all that can be sorted is sorted, white space is one space."""
    definitions = sorted(document.definitions, key=lambda node: (node.kind, _name(node)))
    ordered = replace(document, definitions=tuple(map(_ordered_definition, definitions)))
    return _spaced(show(ordered))


def _with_typename(node: Any) -> Any:
    """Return `node` with `__typename` added to its selection and to all selections below."""
    if getattr(node, "selection_set", None) is None:
        return node
    below: SelectionSetNode = _each(node, _with_typename)
    if not any(isinstance(inner, FieldNode) and inner.name.value.startswith("__") for inner in below.selections):
        below = replace(below, selections=(*below.selections, TYPENAME))
    return replace(node, selection_set=below)


def _each(node: Any, change: Callable[[Any], Any]) -> SelectionSetNode:
    selections: SelectionSetNode = node.selection_set
    return replace(selections, selections=tuple(map(change, selections.selections)))


def _ordered_definition(node: Any) -> Any:
    changes: dict[str, Any] = {
        "variable_definitions": _by(node.variable_definitions, lambda one: one.variable.name.value)
    }
    if not isinstance(node, OperationDefinitionNode):
        changes["directives"] = _by(map(_ordered_directive, node.directives or ()), _name)
        changes["selection_set"] = _ordered(node.selection_set)
    else:
        # Mutation fields are executed in order, so their order is kept.
        keep_order = node.operation is OperationType.MUTATION
        changes["directives"] = tuple(map(_ordered_directive, node.directives or ()))
        changes["selection_set"] = _ordered(node.selection_set, keep_order=keep_order)
    return replace(node, **changes)


def _ordered(selections: SelectionSetNode, *, keep_order: bool = False) -> SelectionSetNode:
    nodes = selections.selections if keep_order else _by(selections.selections, _selection_key)
    return replace(selections, selections=tuple(_ordered_selection(node, keep_order=keep_order) for node in nodes))


def _ordered_selection(node: Any, *, keep_order: bool) -> Any:
    directives = tuple(map(_ordered_directive, node.directives or ()))
    if isinstance(node, FieldNode):
        below = None if node.selection_set is None else _ordered(node.selection_set)
        return replace(node, directives=directives, selection_set=below)
    if isinstance(node, FragmentSpreadNode):
        return replace(node, directives=_by(directives, _name))
    ordered = directives if keep_order else _by(directives, _name)
    return replace(node, directives=ordered, selection_set=_ordered(node.selection_set, keep_order=keep_order))


def _ordered_directive(node: Any) -> Any:
    return replace(node, arguments=_by(node.arguments, _name))


def _selection_key(node: Any) -> str:
    if isinstance(node, InlineFragmentNode):
        type_ = node.type_condition.name.value if node.type_condition else ""
        inner = _by(node.selection_set.selections, _selection_key)
        return "2" + type_ + _spaced(" ".join(map(print_like_graphql_js, inner)))
    return ("0" if isinstance(node, FieldNode) else "1") + _name(node)


def _name(node: Any) -> str:
    return node.name.value if node.name else ""


def _by(nodes: Iterable[N] | None, key: Callable[[N], str]) -> tuple[N, ...]:
    return tuple(sorted(nodes or (), key=key))


def _spaced(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
