"""A schema that reads its sources otherwise: from mappings, and under names that are no Python identifiers."""

from __future__ import annotations

from typing import Any, cast

import strawberry
from graphql import GraphQLObjectType
from strawberry.annotation import StrawberryAnnotation
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import get_object_definition
from strawberry.types.field import StrawberryField


def look_up(source: Any, name: str) -> Any:
    return source[name] if isinstance(source, dict) else getattr(source, name)


@strawberry.type
class Entry:
    title: str
    size: int | None


# Python itself folds the second to "fine" where it stands in source code.
NAMES = ("class", "\ufb01ne", "two words")


@strawberry.type
class Named:
    keyword: str
    folded: str
    spaced: str


for each, python_name in zip(get_object_definition(Named, strict=True).fields, NAMES, strict=True):
    each.graphql_name, each.python_name = each.python_name, python_name


@strawberry.type
class Mappings:
    @strawberry.field
    def entries(self, info: strawberry.Info) -> list[Entry]:
        return [info.context["box"]() for _ in range(3)]


@strawberry.type
class Names:
    @strawberry.field
    def named(self, info: strawberry.Info) -> list[Named]:
        return [info.context["box"]() for _ in range(3)]


class Louder(StrawberryField):
    def get_result(self, source: Any, info: Any, args: Any, kwargs: Any) -> Any:
        return f"{super().get_result(source, info, args, kwargs)}!"


@strawberry.type
class UnusualEntry:
    title: str
    louder: str = cast("Any", Louder(type_annotation=StrawberryAnnotation(str)))
    replaced: str


@strawberry.type
class Unusual:
    @strawberry.field
    def entries(self, info: strawberry.Info) -> list[UnusualEntry]:
        return [info.context["box"]() for _ in range(3)]


UNUSUAL = strawberry.Schema(Unusual)._schema
cast("GraphQLObjectType", UNUSUAL.type_map["UnusualEntry"]).fields["replaced"].resolve = lambda source, info: "another"
MAPPINGS = strawberry.Schema(Mappings, config=StrawberryConfig(default_resolver=look_up))._schema
NAMED = strawberry.Schema(Names)._schema
