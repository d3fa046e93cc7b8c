"""Stock execution against the projection: one user, 30 highlights x 40 items x 8 fields, read from the real Structs.

    python -m bench.execution

Parsing and validation are left out on both sides. Then what the thresholds in `gateway.execution` rest on: what
compiling a selection costs, and after how many objects that has paid.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec
import strawberry
from graphql import DocumentNode, parse
from graphql.execution import execute
from graphql.execution.collect_fields import collect_fields
from graphql.pyutils import Path
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.domain import models, users
from gateway.execution import ProjectingExecutionContext
from gateway.execution.compiler import compile_list

HIGHLIGHTS, ITEMS, ROUNDS, WARMING = 30, 40, 15, 12
strawberry.enum(models.MediaKind)
STORED = "id pk code takenAt productType thumbnailUrl videoUrl videoDuration"
DERIVED = "id code takenAt kind thumbnailUrl videoUrl videoDuration urlsExpireAt"
# As in the product: `items` takes arguments, so a resolver gets them, and may have to wait.
RESOLVED = "{ user { id username highlights { id title mediaCount items { nodes { %s } } } } }"
PLAIN = "{ user { id username highlights { id title mediaCount loaded { %s } } } }"


@strawberry.type
class Item:
    id: strawberry.ID
    pk: strawberry.ID
    code: str | None
    product_type: str | None
    taken_at: datetime.datetime | None
    kind: models.MediaKind | None
    thumbnail_url: str | None
    video_url: str | None
    video_duration: float | None
    urls_expire_at: datetime.datetime | None


@strawberry.type
class Items:
    nodes: list[Item]


@strawberry.type
class Highlight:
    id: strawberry.ID
    title: str
    media_count: int | None
    loaded: list[Item]

    @strawberry.field
    async def items(self) -> Items:
        return Items(nodes=self.loaded)


@strawberry.type
class User:
    id: strawberry.ID
    username: str | None
    highlights: list[Highlight]


@strawberry.type
class Query:
    @strawberry.field
    def user(self, info: strawberry.Info) -> User | None:
        return cast("User", info.context)


class LoadedHighlight(models.LoadedHighlight, frozen=True):
    @property
    def loaded(self) -> tuple[models.Item, ...]:
        return self.items


class Owner(users.UserSummary, frozen=True):
    highlights: tuple[LoadedHighlight, ...] = ()


SCHEMA = strawberry.Schema(Query)._schema
IS_AWAITABLE: Any = optimized_is_awaitable
CONTEXTS = (StrawberryGraphQLCoreExecutionContext, ProjectingExecutionContext)


def item(number: int) -> dict[str, object]:
    signed = f"_nc_ht=instagram.fbcdn.net&_nc_cat=1&oh=00_AfD&oe={1_790_000_000 + number:X}"
    return {
        "pk": str(3_400_000_000_000_000_000 + number),
        "id": f"{3_400_000_000_000_000_000 + number}_787132",
        "code": f"DF{number:09d}",
        "taken_at": "2025-02-03T04:05:06Z",
        "media_type": 1 + number % 2,
        "thumbnail_url": f"https://instagram.fbcdn.net/v/t51.2885-15/{number}_n.jpg?{signed}",
        "video_url": f"https://instagram.fbcdn.net/v/t66/{number}_n.mp4?{signed}" if number % 2 else None,
        "video_duration": 14.5 if number % 2 else 0.0,
    }


def source() -> Owner:
    """Decoded from JSON like an upstream answer, so that the values have the types they have in service."""
    user = {"pk": "787132", "username": "natgeo"}
    highlights = [
        {
            "pk": str(17_900_000_000_000_000 + number),
            "user": user,
            "title": f"Highlight {number}",
            "media_count": ITEMS,
            "items": [item(number * ITEMS + each) for each in range(ITEMS)],
        }
        for number in range(HIGHLIGHTS)
    ]
    return msgspec.json.decode(msgspec.json.encode({**user, "highlights": highlights}), type=Owner)


async def executed(context: type[Any], document: DocumentNode, data: Owner) -> dict[str, Any] | None:
    result: Any = execute(SCHEMA, document, context_value=data, is_awaitable=IS_AWAITABLE, executor_class=context)
    if isinstance(result, Awaitable):
        result = await result
    assert result.errors is None
    return cast("dict[str, Any]", result.data)


async def side_by_side(text: str) -> None:
    """Interleaved, so that a change of the machine's speed meets both."""
    document, data = parse(text), source()
    times: list[list[float]] = [[], []]
    for turn in range(WARMING + ROUNDS):
        answers = []
        for context, column in zip(CONTEXTS, times, strict=True):
            started = time.perf_counter()
            answers.append(await executed(context, document, data))
            column.append((time.perf_counter() - started) * 1e3)
        assert turn or answers[0] == answers[1]
    slow, fast = (statistics.median(column[WARMING:]) for column in times)
    first = f"the first time {times[1][0]:.2f} ms"
    print(f"stock {slow:6.2f} ms, projected {fast:5.2f} ms, ratio {slow / fast:4.1f}, {first}: {text}")


def microseconds(action: Callable[[], object]) -> float:
    def once() -> float:
        started = time.perf_counter()
        action()
        return (time.perf_counter() - started) * 1e6

    return statistics.median(once() for _ in range(ROUNDS))


def compiled_anew(executor: Any, list_type: Any, details: Any) -> None:
    """As for a selection that no document had before."""
    executor.cache.modules.clear()
    compile_list(executor, list_type, details)


def break_even(fields: int) -> str:
    """What a list of items with so many fields costs to compile, to interpret and to project."""
    names = STORED.split()
    selection = " ".join(f"a{number}: {names[number % len(names)]}" for number in range(fields))
    type_ = cast("Any", SCHEMA.type_map["Items"])
    document = parse(f"{{ nodes {{ {selection} }} }}")
    executor: Any = StrawberryGraphQLCoreExecutionContext.build(SCHEMA, document, is_awaitable=IS_AWAITABLE)
    collected = collect_fields(SCHEMA, executor.fragments, executor.variable_values, type_, executor.operation)
    details, path = collected.grouped_field_set["nodes"], Path(None, "nodes", "Items")
    info = executor.build_resolve_info(type_.fields["nodes"], [details[0].node], type_, path)
    list_type, items = type_.fields["nodes"].type.of_type, source().highlights[0].items
    compiler: Any = ProjectingExecutionContext.build(SCHEMA, document, is_awaitable=IS_AWAITABLE)
    project = compile_list(compiler, list_type, details).project
    compiling = microseconds(lambda: compiled_anew(compiler, list_type, details))
    stock = microseconds(lambda: executor.complete_list_value(list_type, details, info, path, items, None)) / ITEMS
    projected = microseconds(lambda: project(items, None)) / ITEMS
    costs = f"compiling {compiling:6.0f} us, an object {stock:6.1f} us, projected {projected:5.1f} us"
    return f"{fields:3} fields: {costs}, even after {compiling / (stock - projected):4.1f} objects"


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    for text in (PLAIN % STORED, RESOLVED % STORED, RESOLVED % DERIVED):
        asyncio.run(side_by_side(text))
    for count in (1, 2, 4, 8, 16, 64, 256, 500):
        print(break_even(count))
