"""The input types of mutations, made of the inputs of the registry of writes, and their conversion back.

A field with a default may be left out, and null means the default. The fields of a oneOf input have no default.
"""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, Union, get_args, get_origin, get_type_hints

import strawberry

from gateway.domain.publishing import Uploaded
from gateway.publishing.inputs import DESCRIPTION
from schema.scalars import URL, Upload

# Scalars by their names in the inputs' annotations.
SCALARS: dict[str, Any] = {"ID": strawberry.ID, "URL": URL}


_made: dict[Any, Any] = {}


def graph_input(kind: Any) -> Any:
    """Return the input type of the graph for a dataclass of `gateway.publishing.inputs`."""
    if kind not in _made:
        _made[kind] = _make(kind)
    return _made[kind]


def _make(kind: Any) -> Any:
    hints = get_type_hints(kind, include_extras=True)
    one_of = getattr(kind, "is_one_of", False)
    members: dict[str, Any] = {"__annotations__": {}, "__module__": __name__}
    for field in _in_order(kind):
        graph_type = _graph_type(hints[field.name])
        members["__annotations__"][field.name] = _annotation(field, graph_type, one_of=one_of)
        members[field.name] = _graph_field(field, one_of=one_of)
    made = type(kind.__name__, (), members)
    return strawberry.input(made, one_of=one_of, description=kind.__doc__)


def from_graph(value: Any, hint: Any) -> Any:
    """Return the dataclass, text, number, enum or list of those that an argument of the graph stands for."""
    kind = _plain(hint)
    if get_origin(kind) is Sequence:
        return [from_graph(member, get_args(kind)[0]) for member in value]
    if not hasattr(kind, "__dataclass_fields__") or kind is Uploaded:
        return value
    hints = get_type_hints(kind, include_extras=True)
    given = {name: _value(member) for name, member in vars(value).items()}
    return kind(**{name: from_graph(member, hints[name]) for name, member in given.items() if member is not None})


def _in_order(kind: Any) -> Sequence[Field[Any]]:
    """Return the fields of a dataclass, its own first."""
    own = list(vars(kind)["__annotations__"])
    return sorted(fields(kind), key=lambda field: own.index(field.name) if field.name in own else len(own))


def _annotation(field: Field[Any], graph_type: Any, *, one_of: bool) -> Any:
    if one_of:
        maybe: Any = strawberry.Maybe
        return maybe[graph_type]
    return graph_type if field.default is MISSING else graph_type | None


def _graph_field(field: Field[Any], *, one_of: bool) -> Any:
    description = field.metadata[DESCRIPTION]
    if one_of or field.default is MISSING:
        return strawberry.field(description=description)
    if field.default == ():
        return strawberry.field(description=description, default_factory=list)
    return strawberry.field(description=description, default=field.default)


def _graph_type(hint: Any) -> Any:
    kind = _plain(hint)
    if get_origin(kind) is Sequence:
        return list[_graph_type(get_args(kind)[0])]  # type: ignore[misc]
    if kind is Uploaded:
        return Upload
    if hasattr(kind, "__dataclass_fields__"):
        return graph_input(kind)
    marks = getattr(hint, "__metadata__", ()) or next(
        (arm.__metadata__ for arm in get_args(hint) if hasattr(arm, "__metadata__")), ()
    )
    return SCALARS[marks[0]] if marks else kind


def _plain(hint: Any) -> Any:
    """Return a type without its marks, and without None as an alternative."""
    if hasattr(hint, "__metadata__"):
        return _plain(hint.__origin__)
    if get_origin(hint) in (types.UnionType, Union):
        return _plain(next(arm for arm in get_args(hint) if arm is not type(None)))
    return hint


def _value(member: Any) -> Any:
    """Return the value of a member, which a oneOf input wraps."""
    return member.value if isinstance(member, strawberry.Some) else member
