"""A schema that reads its sources otherwise: from mappings, and under names that are no Python identifiers."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.base import get_object_definition


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


MAPPINGS = strawberry.Schema(Mappings, config=StrawberryConfig(default_resolver=look_up))._schema
NAMED = strawberry.Schema(Names)._schema
