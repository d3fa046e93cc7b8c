"""Validation of documents without reference cycles.

graphql-core's `validate` leaves hundreds of objects in reference cycles for each document: visitors that hold their own
bound methods, and rules and a context that reference each other. Here these are cleared at the end, so that nothing is
left to the garbage collector.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    Node,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    ValidationContext,
    ValidationRule,
    Visitor,
    visit,
)
from graphql.language.visitor import BREAK, SKIP, EnterLeaveVisitor
from graphql.validation.validate import (
    FragmentNestingVisitor,
    ValidationAbortedError,
    query_document_keys_to_validate,
)
from graphql.validation.validation_context import VariableUsage, VariableUsageVisitor

from gateway.operations.client_errors import MOST_MISTAKES
from gateway.operations.rules import RULES
from gateway.tracebacks import forget_frames

TOO_MANY = "Too many validation errors, error limit reached. Validation aborted."
ABORTED = "Validation aborted."


def problems(schema: GraphQLSchema, document: DocumentNode, *, suggest: bool) -> list[GraphQLError]:
    """Return the validation errors: at most MOST_MISTAKES, plus one that says that there are more.

    `suggest`: the errors may suggest similar names, which clients without the right to introspect must not see.
    """
    errors: list[GraphQLError] = []

    def report(error: GraphQLError) -> None:
        if len(errors) >= MOST_MISTAKES:
            raise ValidationAbortedError(TOO_MANY)
        errors.append(error)

    context = _Context(schema, document, TypeInfo(schema), report, hide_suggestions=not suggest)
    rules = CombinedValidationRule(context)
    try:
        _check_nesting(document)
        _visit(document, TypeInfoVisitor(context._type_info, rules), query_document_keys_to_validate)
    except ValidationAbortedError as error:
        forget_frames(error)
        errors.append(error)
    except RecursionError:
        errors.append(ValidationAbortedError(ABORTED))
    finally:
        for part in (*rules.rules, rules, context):
            vars(part).clear()
    return errors


def _check_nesting(document: DocumentNode) -> None:
    """Raise RecursionError if fragments nest deeper than the rules can follow."""
    definitions = (node for node in document.definitions if isinstance(node, FragmentDefinitionNode))
    fragments = {node.name.value: node for node in definitions}
    if fragments:
        _visit(document, FragmentNestingVisitor(fragments))


def _visit(node: Node, visitor: Visitor, keys: Any = None) -> None:
    try:
        visit(node, visitor, keys)
    finally:
        vars(visitor).clear()


class _Context(ValidationContext):
    def get_variable_usages(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> list[VariableUsage]:
        usages = self._variable_usages.get(node)
        if usages is None:
            fragment = node if isinstance(node, FragmentDefinitionNode) else None
            found = VariableUsageVisitor(self._type_info, fragment)
            usages = self._variable_usages[node] = found.usages
            _visit(node, TypeInfoVisitor(self._type_info, found))
            vars(found).clear()
        return usages


Handler: TypeAlias = Callable[..., Any]


class CombinedValidationRule(ValidationRule):
    """All rules combined into one, which calls only the rules that handle a kind of node.

    graphql-core asks every rule about every kind again for each document, which takes a third of the validation time.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rules = [rule(context) for rule in RULES]
        self.skipping: list[object] = [None] * len(RULES)

    def get_enter_leave_for_kind(self, kind: str) -> EnterLeaveVisitor:
        known = self.enter_leave_map.get(kind)
        if known is None:
            known = self.enter_leave_map[kind] = self._handlers(kind)
        return known

    def _handlers(self, kind: str) -> EnterLeaveVisitor:
        entering: list[tuple[int, Handler]] = []
        leaving: list[tuple[int, Handler | None]] = []
        for at, enter, leave in _concerned(kind):
            if enter is not None:
                entering.append((at, getattr(self.rules[at], enter)))
            # Rules that only enter are listed too: a rule that skips a subtree becomes active again when its node is
            # left.
            leaving.append((at, None if leave is None else getattr(self.rules[at], leave)))
        if not leaving:
            return EnterLeaveVisitor(None, None)
        return EnterLeaveVisitor(
            lambda node, *rest: self._enter(entering, node, rest), lambda node, *rest: self._leave(leaving, node, rest)
        )

    def _enter(self, handlers: list[tuple[int, Handler]], node: Node, rest: tuple[Any, ...]) -> None:
        for at, enter in handlers:
            if not self.skipping[at]:
                action = enter(node, *rest)
                if action is not None:
                    self.skipping[at] = node if action is SKIP or action is False else BREAK

    def _leave(self, handlers: list[tuple[int, Handler | None]], node: Node, rest: tuple[Any, ...]) -> None:
        for at, leave in handlers:
            skipped = self.skipping[at]
            if skipped:
                if skipped is node:
                    self.skipping[at] = None
            elif leave and leave(node, *rest) is BREAK:
                self.skipping[at] = BREAK


@cache
def _concerned(kind: str) -> tuple[tuple[int, str | None, str | None], ...]:
    """Return the rules that handle nodes of `kind`, by index, with the names of their methods."""
    named = [(at, _method(rule, "enter", kind), _method(rule, "leave", kind)) for at, rule in enumerate(RULES)]
    return tuple((at, enter, leave) for at, enter, leave in named if enter or leave)


def _method(rule: type[ValidationRule], event: str, kind: str) -> str | None:
    return next((name for name in (f"{event}_{kind}", event) if hasattr(rule, name)), None)
