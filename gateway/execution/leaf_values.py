"""Fast completion of single values, which raises for every value that needs graphql-core.

Results equal those of graphql-core's `complete_value` for ordinary values. Everything else raises: null for a non-null
type, an exception as value, an awaitable, an iterator (coercing it would exhaust it before graphql-core reads it), a
failing coercion.
"""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLScalarType,
    GraphQLString,
    Undefined,
)
from strawberry.execution import optimized_is_awaitable as is_awaitable
from strawberry.schema.types.base_scalars import isoformat

from gateway.domain.partial import Incomplete, Partial
from gateway.domain.shared_tuple import SharedTuple
from gateway.domain.users import EXACT

DEFINITION = "strawberry-definition"
# Names the attribute that is all a field reads without arguments: in the field's metadata, and in its extensions in a
# schema where this holds.
PLAIN = "plain attribute"
Complete = Callable[[Any], Any]


def metadata_of(field: GraphQLField) -> Mapping[str, Any]:
    """Return the metadata of `strawberry.field(metadata=...)`; empty for fields that are not Strawberry's."""
    return getattr(field.extensions.get(DEFINITION), "metadata", {})


# No instance of these is null, an exception, awaitable or an iterator. Exact types only: a subclass may be anything.
SAFE_TYPES = frozenset(
    {
        str, int, float, bool, bytes, list, tuple, dict,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID,
    }
)  # fmt: skip

# Types that are certain to be lists that can be read twice.
LISTS = frozenset({list, tuple, SharedTuple})

# The condition under which coercing the variable `{v}` returns `{v}` itself. Int has 32 bits, Float is finite (1e999 is
# not).
UNCHANGED: dict[GraphQLScalarType, str] = {
    GraphQLString: "type({v}) is str",
    GraphQLID: "type({v}) is str",
    GraphQLBoolean: "type({v}) is bool",
    GraphQLInt: "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    GraphQLFloat: "type({v}) is float and -1e999 < {v} < 1e999",
}

# Bounds of integers that every JSON parser reads exactly.
EXACT_INT = f"type({{v}}) is int and {-EXACT} <= {{v}} <= {EXACT}"


# Strawberry's own date and time scalars, with the exact types whose `isoformat` is certain to return text.
DATETIME_SCALARS: dict[str, type] = {"DateTime": datetime.datetime, "Date": datetime.date, "Time": datetime.time}


def big_int(value: Any) -> int:
    """Coerce a result of the scalar BigInt. Raise GraphQLError for integers that some JSON parsers read inexactly."""
    if type(value) is int and -EXACT <= value <= EXACT:
        return value
    raise GraphQLError("BigInt cannot represent values other than integers of at most 53 bits.")


class Deoptimize(Exception):
    """The signal that graphql-core must complete this value."""


def deoptimize() -> Any:
    """Raise Deoptimize: the `raise` statement for places that allow only an expression."""
    raise Deoptimize


def check_plain(value: object) -> None:
    """Raise Deoptimize for values that graphql-core would null, raise or await, and for iterators.

    An iterator can be read only once.
    """
    if value is None or value is Undefined or isinstance(value, Exception) or hasattr(value, "__next__"):
        raise Deoptimize
    if is_awaitable(value):
        raise Deoptimize


def register_class(known: set[type], source: object) -> None:
    """Add the class of `source` to `known`: its instances are neither null, nor exceptions, nor awaitables.

    A class with `__getattr__` may behave differently for each instance, so it is never added; neither is a class whose
    instances lost a part, which must be reported. Raise Deoptimize.
    """
    kind = type(source)
    if hasattr(kind, "__getattr__") or issubclass(kind, Partial | Incomplete):
        raise Deoptimize
    check_plain(source)
    known.add(kind)


def coercion(type_: GraphQLScalarType | GraphQLEnumType) -> Complete:
    """Return a function that completes a non-null leaf by the type's own coercion.

    The function raises Deoptimize and the errors of the coercion.
    """
    coerce = type_.coerce_output_value

    def complete(value: Any) -> Any:
        if type(value) not in SAFE_TYPES:
            check_plain(value)
        coerced = coerce(value)
        if type(coerced) not in SAFE_TYPES:
            check_plain(coerced)
        return coerced

    return complete


def unchanged(type_: GraphQLScalarType) -> str | None:
    """Return the condition under which coercing the variable `{v}` returns `{v}` itself; None if it is unknown."""
    return EXACT_INT if type_.coerce_output_value is big_int else UNCHANGED.get(type_)


def moment(type_: GraphQLScalarType) -> type | None:
    """Return the class whose ISO 8601 text `type_` returns, if the scalar does nothing else."""
    return DATETIME_SCALARS.get(type_.name) if type_.coerce_output_value is isoformat else None


def member_names(type_: GraphQLEnumType) -> tuple[type, dict[Any, str]]:
    """Return the Python enum behind `type_`, and the GraphQL name of each member."""
    members: Any = type_.extensions[DEFINITION].wrapped_cls
    return members, {member: type_.coerce_output_value(member) for member in members}
