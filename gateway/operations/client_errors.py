"""Bounded reporting of client errors: the number of errors and their size. The work is linear in the request.

graphql-core creates one error per mistake, and each error prints the whole value that contains the mistake. Unbounded,
both time and response size would grow with the square of the request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    ValuesOfCorrectTypeRule,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values
from graphql.language import SKIP, ValueNode, VisitorAction
from graphql.type import GraphQLInputType
from graphql.utilities.validate_input_value import validate_input_literal

from gateway.errors import TooComplex
from gateway.tracebacks import forget_frames

# Errors per request; one more error says that there are more, in graphql-core's words.
MOST_MISTAKES = 20
# Errors per value in a document, bounded for the same reason: each error prints the whole value.
MOST_IN_A_VALUE = 3
# Entries of all lists in an operation's variables: coercing an entry takes longer than parsing it.
MOST_ENTRIES = 5_000
# Entries of one list in a mutation's variables: twice the limit of a write, so that slightly too long lists are
# reported by field.
MOST_WRITTEN = 200
LONGEST_MESSAGE = 500  # characters
MOST_PLACES = 10  # locations of one error
ELLIPSIS = "..."
# The part of a value that graphql-core prints in a message.
PRINTED_DEPTH = 2
PRINTED_ENTRIES = 10
MORE = "This value has more errors."


def bounded(error: GraphQLError) -> GraphQLError:
    """Return `error` with its message and its list of locations cut to their limits."""
    if len(error.message) > LONGEST_MESSAGE:
        error.message = error.message[: LONGEST_MESSAGE - len(ELLIPSIS)] + ELLIPSIS
    if error.locations and len(error.locations) > MOST_PLACES:
        error.locations = error.locations[:MOST_PLACES]
    return error


def coerced(
    schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None, *, suggest: bool
) -> VariableValues | list[GraphQLError]:
    """Return the coerced variables of the operation, or the errors. `suggest`: errors may suggest similar names.

    Raise a GraphQLError for TooComplex.
    """
    definitions, given = operation.variable_definitions or (), dict(variables or {})
    types = {node.variable.name.value: type_from_ast(schema, node.type) for node in definitions}
    lists = [length for name, type_ in types.items() if name in given for length in _lists(given[name], type_)]
    _check_lists(lists, operation)
    values = get_variable_values(schema, definitions, given, max_errors=0, hide_suggestions=True)
    if not isinstance(values, list):
        return values
    trimmed = {name: _trimmed(given[name], type_) for name, type_ in types.items() if name in given}
    limited = get_variable_values(schema, definitions, trimmed, max_errors=MOST_MISTAKES, hide_suggestions=not suggest)
    errors = limited if isinstance(limited, list) else values
    for error in (*values, *errors):  # the last error of each list was raised: its traceback references that list
        forget_frames(error)
    return errors


def _lists(value: Any, type_: Any) -> Iterator[int]:
    """Yield the lengths of the lists in `value`. No list of an input type contains another list."""
    type_ = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(type_):
        yield len(value) if isinstance(value, list) else 1
    elif is_input_object_type(type_) and isinstance(value, dict):
        for name, field in type_.fields.items():
            if name in value:
                yield from _lists(value[name], field.type)


def _check_lists(lists: Sequence[int], operation: OperationDefinitionNode) -> None:
    """Raise a GraphQLError if a list, or all lists together, are too long."""
    entries, longest = sum(lists), max(lists, default=0)
    if entries > MOST_ENTRIES:
        message = f"The lists in the variables have {entries} entries in total; the maximum is {MOST_ENTRIES}."
        raise _refusal(message, "entries", MOST_ENTRIES, entries, operation)
    if longest > MOST_WRITTEN and operation.operation is OperationType.MUTATION:
        message = f"A list in the variables has {longest} entries; the maximum in a mutation is {MOST_WRITTEN}."
        raise _refusal(message, "written list", MOST_WRITTEN, longest, operation)


def _refusal(message: str, limit: str, most: int, value: int, operation: OperationDefinitionNode) -> GraphQLError:
    problem = TooComplex(message, limit=limit, most=most, value=value)
    return GraphQLError(message, operation, original_error=problem)


def _trimmed(value: Any, type_: Any) -> Any:
    """Return `value` without the unknown fields that would not be reported. Known fields keep their mistakes."""
    type_ = type_.of_type if is_non_null_type(type_) else type_
    if is_list_type(type_):
        item = type_.of_type
        return [_trimmed(one, item) for one in value] if isinstance(value, list) else _trimmed(value, item)
    if not is_input_object_type(type_) or not isinstance(value, dict):
        return _truncated(value)
    known = {name: _trimmed(value[name], field.type) for name, field in type_.fields.items() if name in value}
    unknown = islice((name for name in value if name not in known), MOST_MISTAKES + 1)
    return known | {name: _truncated(value[name]) for name in unknown}


def _truncated(value: Any, depth: int = 0) -> Any:
    """Return the part of `value` that graphql-core prints."""
    if isinstance(value, str):
        return value[:LONGEST_MESSAGE]
    if depth == PRINTED_DEPTH:
        return value
    if isinstance(value, dict):
        return {name: _truncated(one, depth + 1) for name, one in islice(value.items(), PRINTED_ENTRIES + 1)}
    return [_truncated(one, depth + 1) for one in value[: PRINTED_ENTRIES + 1]] if isinstance(value, list) else value


class Enough(Exception):
    """Signal that no more errors of this value are reported."""


class MistakesInValues(ValuesOfCorrectTypeRule):
    """graphql-core's rule, limited to the first errors of each value."""

    def is_valid_value_node(self, node: ValueNode, input_type: GraphQLInputType | None) -> VisitorAction:
        found = 0

        def report(error: GraphQLError, _path: list[str | int]) -> None:
            nonlocal found
            found += 1
            if found > MOST_IN_A_VALUE:
                self.report_error(GraphQLError(MORE, node))
                raise Enough
            self.report_error(error)

        if input_type:
            with suppress(Enough):
                validate_input_literal(node, input_type, report, hide_suggestions=self.context.hide_suggestions)
        return SKIP
