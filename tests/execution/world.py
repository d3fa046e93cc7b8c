"""A schema with one of everything that the projection compiles or must leave alone."""

from __future__ import annotations

import datetime
import decimal
import enum
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NewType, TypeVar, cast

import strawberry
from graphql import GraphQLSchema, Undefined
from strawberry.federation import Schema
from strawberry.permission import BasePermission
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from gateway.execution.sync_resolvers import SYNC

BigInt = NewType("BigInt", int)
Words = NewType("Words", str)
Item = TypeVar("Item")


def decimal_digits(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"BigInt cannot represent {value!r}")  # noqa: TRY004 (as graphql-core's scalars do)
    return str(value)


@dataclass(eq=False)
class Later:
    """Awaitable without being a coroutine: nobody minds if it is never awaited."""

    value: Any

    def __await__(self) -> Generator[Any, None, Any]:
        yield from ()
        return self.value


SPECIAL_WORDS: dict[str, Any] = {"null": None, "undefined": Undefined, "later": Later(["l"]), "error": ValueError("e")}


def listed(value: Any) -> Any:
    """Uses up an iterator: a second look at it finds nothing. For some values it answers what a coercion should not."""
    return SPECIAL_WORDS[value] if isinstance(value, str) and value in SPECIAL_WORDS else [str(word) for word in value]


class Allowed(BasePermission):
    message = "not for you"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(info.context.get("allowed"))


class Ways(dict[str, Any]):
    """A context that synchronous resolvers can be called with."""

    def non_blocking(self) -> Ways:
        return Ways(self, hurried=True)


@strawberry.enum
class Kind(enum.Enum):
    STORY = "story"
    FEED = strawberry.enum_value("feed", name="REEL")
    NONE = 0


@strawberry.interface
class Node:
    id: strawberry.ID
    label: str | None


@strawberry.type
class Leaves:
    text: str
    text_or_null: str | None
    whole: int
    whole_or_null: int | None
    real: float
    real_or_null: float | None
    flag: bool
    flag_or_null: bool | None
    id: strawberry.ID
    id_or_null: strawberry.ID | None
    kind: Kind
    kind_or_null: Kind | None
    at: datetime.datetime
    at_or_null: datetime.datetime | None
    big: BigInt
    big_or_null: BigInt | None
    words: Words | None
    json: JSON | None
    price: decimal.Decimal | None
    tags: list[str]
    tags_or_null: list[str | None] | None
    kinds: list[Kind | None]
    grid: list[list[int]]
    grid_or_null: list[list[int | None] | None] | None


@strawberry.type
class Photo(Node):
    width: int
    leaves: Leaves | None


@strawberry.type
class Video(Node):
    duration: float | None
    leaves: Leaves


@strawberry.type
class Text:
    body: str
    label: str | None


@strawberry.type
class Drawing:
    """Its author judges what is one, with a look at the operation."""

    body: str

    @classmethod
    def is_type_of(cls, obj: Any, info: Any) -> bool:
        return info is None or not info.context.get("no_drawings")


@strawberry.type
class Edge(Generic[Item]):
    cursor: str
    node: Item


Media = Annotated[Photo | Video | Text | Drawing, strawberry.union("Media")]


def synchronous(resolver: Any, **options: Any) -> Any:
    return strawberry.field(resolver=resolver, metadata={SYNC: True}, **options)


def quick(self: Box, info: strawberry.Info, times: int = 1, kind: Kind | None = None) -> str | None:
    if not info.context.get("slow"):
        return f"{self.name} {kind}" * times
    if info.context.get("hurried"):
        raise LookupError("not known yet")
    info.context.get("waits", []).append(times)
    return cast("str", Later("waited for"))


def linked(source: strawberry.Parent[Any]) -> list[Leaves]:
    return cast("list[Leaves]", source.many)


def rooted(root: Any) -> str:
    return cast("str", root.name)


def guarded_quick() -> str:
    return "open"


async def quick_later() -> str:
    return "later"


@strawberry.federation.type(keys=["name"])
class Box:
    name: str
    leaves: Leaves
    leaves_or_null: Leaves | None
    many: list[Leaves]
    many_or_null: list[Leaves | None] | None
    media: Media | None
    medias: list[Media]
    node: Node | None
    nodes: list[Node | None]
    photo: Photo | None
    photos: list[Photo | None]
    drawing: Drawing | None
    edge: Edge[Leaves] | None
    child: Box | None
    children: list[Box]
    grid: list[list[Box | None]] | None
    plain: str | None = strawberry.field(name="renamed")
    guarded: str | None = strawberry.field(permission_classes=[Allowed])
    quick: str | None = synchronous(quick)
    linked: list[Leaves] = synchronous(linked)
    rooted: str = synchronous(rooted)
    guarded_quick: str = synchronous(guarded_quick, permission_classes=[Allowed])
    quick_later: str = synchronous(quick_later)

    @strawberry.field
    def shout(self, times: int = 1) -> str:
        return "!" * times

    @strawberry.field
    async def later(self) -> Leaves | None:
        return self.leaves_or_null

    @strawberry.field
    async def boom(self) -> str | None:
        raise ValueError("boom")

    @strawberry.field
    def bang(self) -> str:
        raise ValueError("bang")

    @classmethod
    def resolve_reference(cls, info: strawberry.Info, **key: Any) -> Any:
        return info.context["box"]()


def boxes(info: strawberry.Info) -> list[Box]:
    return list(info.context["boxes"]())


@strawberry.type
class Query:
    @strawberry.field
    def box(self, info: strawberry.Info) -> Box | None:
        return cast("Box", info.context["box"]())

    @strawberry.field
    async def boxes(self, info: strawberry.Info) -> list[Box]:
        return boxes(info)

    @strawberry.field
    def many(self, info: strawberry.Info) -> list[Leaves | None]:
        return cast("list[Leaves | None]", info.context["box"]().many)

    @strawberry.field
    async def medias(self, info: strawberry.Info) -> list[Media | None]:
        return list(info.context["medias"]())


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def boxes(self, info: strawberry.Info) -> list[Box]:
        return boxes(info)


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def box(self, info: strawberry.Info) -> AsyncIterator[Box | None]:
        for box in info.context["boxes"]():
            yield box


CONFIG = StrawberryConfig(
    enable_experimental_incremental_execution=True,
    scalar_map={
        BigInt: strawberry.scalar(name="BigInt", serialize=decimal_digits, parse_value=int),
        Words: strawberry.scalar(name="Words", serialize=listed, parse_value=str),
    },
)
GRAPH: GraphQLSchema = Schema(
    Query, Mutation, Subscription, types=[Photo, Video], config=CONFIG, federation_version="2.9"
)._schema
