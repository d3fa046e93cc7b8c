"""The validation rules of documents."""

from __future__ import annotations

from typing import Any

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    OperationDefinitionNode,
    ValidationRule,
    ValuesOfCorrectTypeRule,
    get_named_type,
    is_non_null_type,
    specified_rules,
)
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule

from gateway.operations.client_errors import MistakesInValues


class NonNullOneOfVariables(ValidationRule):
    """Require that a variable used as the only key of a `@oneOf` input is non-null.

    graphql-core's own rule misses non-null inputs: `by: UserBy!`.
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


# Strawberry's rule for `@oneOf` is left out: it fails on undefined variables and on variables that a fragment uses
# before their definition.
GRAPHQLS = (MistakesInValues if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules)
RULES = (*GRAPHQLS, MaybeNullValidationRule, NonNullOneOfVariables)
