"""Execution of partial responses: the loss is reported as an error at its path, and the remaining data is returned.

graphql-core replaces the value at an error's path by null. Here a list that lacks an entry, or a non-null field, keeps
its value, and the error is reported next to it.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    located_error,
)
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from graphql.pyutils import AwaitableOrValue, Path
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.domain.partial import Incomplete, Partial, lost, problem_of
from gateway.errors import GatewayError, UpstreamPartialAnswer
from gateway.execution.leaf_values import DEFINITION, PLAIN, metadata_of

# Errors per result; one more error says that there are more.
MOST_REPORTED = 100
MORE = "More of the upstream's answers could not be read."


class PartialExecutionContext(StrawberryGraphQLCoreExecutionContext):
    """An execution context that handles Partial models as sources, and Incomplete values."""

    def execute_fields(
        self,
        parent_type: GraphQLObjectType,
        source_value: Any,
        path: Path | None,
        grouped_field_set: GroupedFieldSet,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        if isinstance(source_value, Partial):
            for key, details in grouped_field_set.items():
                count = _loss(parent_type.fields.get(details[0].node.name.value), source_value)
                if count is not None:
                    self.tell(problem_of(count), details, Path(path, key, parent_type.name))
        return super().execute_fields(parent_type, source_value, path, grouped_field_set, position_context)

    def complete_object_value(
        self,
        return_type: GraphQLObjectType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,
        position_context: Any,
    ) -> AwaitableOrValue[dict[str, Any]]:
        if type(result) is Incomplete:
            self.tell(result.problem, field_details_list, path)
            result = result.value
        return super().complete_object_value(return_type, field_details_list, info, path, result, position_context)

    def complete_list_value(
        self,
        return_type: GraphQLList[GraphQLOutputType],
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: AsyncIterable[Any] | Iterable[Any],
        position_context: Any,
    ) -> AwaitableOrValue[list[Any]]:
        if isinstance(result, Incomplete):  # no list, although the resolver's return type says so
            self.tell(result.problem, field_details_list, path)
            result = result.value
        return super().complete_list_value(return_type, field_details_list, info, path, result, position_context)

    def tell(self, problem: GatewayError, details: FieldDetailsList, path: Path) -> None:
        """Add the error directly to the collected errors.

        graphql-core's error collection would treat the position as null and discard everything below it.
        """
        errors = self.collected_errors.errors
        if len(errors) > MOST_REPORTED or self.collected_errors.has_nulled_position(path):
            return
        if len(errors) == MOST_REPORTED:
            errors.append(GraphQLError(MORE, original_error=UpstreamPartialAnswer(MORE)))
        else:
            errors.append(located_error(problem, [detail.node for detail in details], path.as_list()))


def _loss(field: GraphQLField | None, source: Partial) -> int | None:
    """Return the count that `source` lost of the attribute that `field` reads.

    Fields with a resolver return None: their resolvers report losses themselves.
    """
    definition = None if field is None else field.extensions.get(DEFINITION)
    if field is None or definition is None:
        return None
    attribute = metadata_of(field).get(PLAIN) or (definition.python_name if definition.is_basic_field else None)
    return None if attribute is None else lost(source, attribute)
