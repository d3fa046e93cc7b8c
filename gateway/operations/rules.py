"""The rules that make a document valid."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    Node,
    OperationDefinitionNode,
    ValidationContext,
    ValidationRule,
    ValuesOfCorrectTypeRule,
    get_named_type,
    is_non_null_type,
    specified_rules,
)
from graphql.language.visitor import BREAK, SKIP, EnterLeaveVisitor
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.operations.mistakes import MistakesInValues


class NonNullOneOfVariables(ValidationRule):
    """A variable as the only key of a `@oneOf` input must be non-null.

    graphql-core's own rule misses the inputs that must be given: `by: UserBy!`.
    """

    def leave_operation_definition(self, operation: OperationDefinitionNode, *_: Any) -> None:
        nullable = {
            definition.variable.name.value
            for definition in operation.variable_definitions or ()
            if definition.type.kind != "non_null_type"
        }
        for usage in self.context.get_recursive_variable_usages(operation):
            one_of = get_named_type(usage.parent_type)
            if not isinstance(one_of, GraphQLInputObjectType) or not is_non_null_type(usage.parent_type):
                continue
            if one_of.is_one_of and usage.node.name.value in nullable:
                self._report(usage.node, one_of)

    def _report(self, node: Any, one_of: GraphQLInputObjectType) -> None:
        message = f"Variable '${node.name.value}' must be non-nullable to be used for OneOf Input Object '{one_of}'."
        self.report_error(GraphQLError(message, node))


# Not Strawberry's rule for `@oneOf`: it breaks on variables that are not defined, or used by a fragment before them.
GRAPHQLS = (MistakesInValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)
RULES = (*GRAPHQLS, MaybeNullValidationRule, NonNullOneOfVariables)

Handler: TypeAlias = Callable[..., Any]


class AllRules(ValidationRule):
    """All rules as one: of each kind of node only the rules that look at it are told.

    graphql-core asks every rule about every kind anew for each document, which is a third of the time of validation.
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
            # Those that only enter, too: one that skips what is below a node is awake again behind it.
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
            asleep = self.skipping[at]
            if asleep:
                if asleep is node:
                    self.skipping[at] = None
            elif leave and leave(node, *rest) is BREAK:
                self.skipping[at] = BREAK


@cache
def _concerned(kind: str) -> tuple[tuple[int, str | None, str | None], ...]:
    """The rules that look at nodes of `kind`, by their place, with the names of their methods."""
    named = [(at, _method(rule, "enter", kind), _method(rule, "leave", kind)) for at, rule in enumerate(RULES)]
    return tuple((at, enter, leave) for at, enter, leave in named if enter or leave)


def _method(rule: type[ValidationRule], event: str, kind: str) -> str | None:
    return next((name for name in (f"{event}_{kind}", event) if hasattr(rule, name)), None)
