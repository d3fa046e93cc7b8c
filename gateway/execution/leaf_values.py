"""Completing single values the quick way, or refusing to.

Everything here answers exactly what graphql-core's `complete_value` would for a value without surprises, and raises
for the rest: null where none may be, an exception as value, an awaitable, an iterator (coercing it would use it up
before graphql-core comes to see it), a failing coercion.
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

from gateway.domain.lasting import SharedTuple
from gateway.domain.models import EXACT
from gateway.domain.partial import Incomplete, Partial

DEFINITION = "strawberry-definition"
# Names the attribute that is all a field reads as long as it is given no arguments: in the field's metadata, and among
# its extensions in a schema where that is so.
PLAIN = "plain attribute"
Complete = Callable[[Any], Any]


def metadata_of(field: GraphQLField) -> Mapping[str, Any]:
    """What the schema says of it by `strawberry.field(metadata=...)`: nothing of fields that are not Strawberry's."""
    return getattr(field.extensions.get(DEFINITION), "metadata", {})


# No instance of these is null, an exception, awaitable or an iterator. Exact types only: a subclass may be anything.
SAFE_TYPES = frozenset(
    {
        str, int, float, bool, bytes, list, tuple, dict,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID,
    }
)  # fmt: skip

# What is sure to be a list, and to be there a second time.
LISTS = frozenset({list, tuple, SharedTuple})

# When coercing the variable `{v}` is sure to answer `{v}` itself. Int is 32 bits wide, Float is finite (1e999 is not).
UNCHANGED: dict[GraphQLScalarType, str] = {
    GraphQLString: "type({v}) is str",
    GraphQLID: "type({v}) is str",
    GraphQLBoolean: "type({v}) is bool",
    GraphQLInt: "type({v}) is int and -2147483648 <= {v} <= 2147483647",
    GraphQLFloat: "type({v}) is float and -1e999 < {v} < 1e999",
}

# Bounds of a number that every JSON parser reads exactly.
EXACT_INT = f"type({{v}}) is int and {-EXACT} <= {{v}} <= {EXACT}"


# What Strawberry's own scalars of time do, and the exact types whose `isoformat` is sure to answer text.
DATETIME_SCALARS: dict[str, type] = {"DateTime": datetime.datetime, "Date": datetime.date, "Time": datetime.time}


def big_int(value: Any) -> int:
    """Coerces a result of the scalar BigInt. Raises GraphQLError for what no JSON number says exactly to everybody."""
    if type(value) is int and -EXACT <= value <= EXACT:
        return value
    raise GraphQLError("BigInt cannot represent what is no integer of at most 53 bits.")


class Deoptimize(Exception):
    """Not the happy case: graphql-core is to complete this value."""


def surprise() -> Any:
    """Raises Surprise: `raise` for places where only an expression fits."""
    raise Deoptimize


def refuse_odd(value: object) -> None:
    """Raises Surprise for what graphql-core would null, raise or await, and for what a second look would find empty."""
    if value is None or value is Undefined or isinstance(value, Exception) or hasattr(value, "__next__"):
        raise Deoptimize
    if is_awaitable(value):
        raise Deoptimize


def admit(known: set[type], source: object) -> None:
    """Adds the class of `source` to `known`: its instances are neither null, nor exceptions, nor awaitables.

    A class with `__getattr__` may answer differently for each instance, so it is never admitted; nor is one whose
    instances lost something, which has to be told. Raises Surprise.
    """
    kind = type(source)
    if hasattr(kind, "__getattr__") or issubclass(kind, Partial | Incomplete):
        raise Deoptimize
    refuse_odd(source)
    known.add(kind)


def coercion(type_: GraphQLScalarType | GraphQLEnumType) -> Complete:
    """Completes a non-null leaf by its type's own coercion. Raises Surprise, and whatever the coercion raises."""
    coerce = type_.coerce_output_value

    def complete(value: Any) -> Any:
        if type(value) not in SAFE_TYPES:
            refuse_odd(value)
        coerced = coerce(value)
        if type(coerced) not in SAFE_TYPES:
            refuse_odd(coerced)
        return coerced

    return complete


def unchanged(type_: GraphQLScalarType) -> str | None:
    """When coercing the variable `{v}` is sure to answer `{v}` itself; None if nobody knows."""
    return EXACT_INT if type_.coerce_output_value is big_int else UNCHANGED.get(type_)


def moment(type_: GraphQLScalarType) -> type | None:
    """The class of which `type_` answers the ISO 8601 text, if that is all it does."""
    return DATETIME_SCALARS.get(type_.name) if type_.coerce_output_value is isoformat else None


def member_names(type_: GraphQLEnumType) -> tuple[type, dict[Any, str]]:
    """The Python enum behind `type_` and the GraphQL name of each of its members."""
    members: Any = type_.extensions[DEFINITION].wrapped_cls
    return members, {member: type_.coerce_output_value(member) for member in members}
