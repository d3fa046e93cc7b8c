"""Stock execution against the projection: one user, 30 highlights x 40 items x 8 fields, read from the real Structs.

    python -m bench.execution

Parsing and validation are left out on both sides. Besides the ratio it prints what the thresholds in
`gateway.execution` rest on: what compiling a selection costs, and after how many objects that has paid.
"""

from __future__ import annotations

import asyncio
import datetime
import gc
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

import msgspec
import strawberry
from graphql import DocumentNode, ExecutionResult, parse
from graphql.execution import execute
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.domain import models
from gateway.execution import ProjectingExecutionContext
from gateway.execution.compiler import compile_list

HIGHLIGHTS, ITEMS, ROUNDS = 30, 40, 15
MediaKind = strawberry.enum(models.MediaKind)


@strawberry.type
class Item:
    id: strawberry.ID
    pk: strawberry.ID
    code: str | None
    product_type: str | None
    taken_at: datetime.datetime | None
    kind: MediaKind | None
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

    @strawberry.field
    async def items(self) -> Items:
        return Items(nodes=cast("Any", cast("models.LoadedHighlight", self).items))


@strawberry.type
class User:
    id: strawberry.ID
    username: str | None
    highlights: list[Highlight]


@strawberry.type
class Query:
    @strawberry.field
    async def user(self, info: strawberry.Info) -> User | None:
        return cast("User", info.context)


STORED = "id pk code takenAt productType thumbnailUrl videoUrl videoDuration"
DERIVED = "id code takenAt kind thumbnailUrl videoUrl videoDuration urlsExpireAt"
BIG = "{ user { id username highlights { id title mediaCount items { nodes { %s } } } } }"


class Owner(models.UserShort):
    highlights: tuple[models.LoadedHighlight, ...] = ()


def item(number: int) -> dict[str, object]:
    signed = "_nc_ht=instagram.fbcdn.net&_nc_cat=1&oh=00_AfD&oe=%X" % (1_790_000_000 + number)
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
            "pk": str(17_900_000_000_000_000 + h),
            "user": user,
            "title": f"Highlight {h}",
            "media_count": ITEMS,
            "items": [item(h * ITEMS + i) for i in range(ITEMS)],
        }
        for h in range(HIGHLIGHTS)
    ]
    return msgspec.json.decode(msgspec.json.encode({**user, "highlights": highlights}), type=Owner)


def runner(context: type[StrawberryGraphQLCoreExecutionContext], document: DocumentNode, data: Owner) -> Any:
    schema = strawberry.Schema(Query, execution_context_class=context)

    async def run() -> ExecutionResult:
        result = execute(
            schema._schema,
            document,
            context_value=data,
            is_awaitable=optimized_is_awaitable,
            executor_class=context,
        )
        return cast("ExecutionResult", await cast("Any", result))

    return run


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


async def side_by_side(fields: str) -> None:
    document, data = parse(BIG % fields), source()
    runs = [runner(context, document, data) for context in (StrawberryGraphQLCoreExecutionContext, ProjectingExecutionContext)]
    answers = [await run() for _ in range(WARMING) for run in runs]
    assert all(answer.errors is None and answer.data == answers[0].data for answer in answers)
    times: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for run, column in zip(runs, times, strict=True):
            started = time.perf_counter()
            await run()
            column.append((time.perf_counter() - started) * 1000)
    slow, fast = map(statistics.median, times)
    print(f"stock {slow:.2f} ms, projected {fast:.2f} ms, ratio {slow / fast:.1f}: {fields}")


WARMING = 3


def thresholds() -> None:
    """Break-even: objects after which compiling a selection of n fields has paid for itself."""
    document = parse("{ user { highlights { items { nodes { id } } } } }")
    schema = strawberry.Schema(Query)._schema
    for count in (1, 2, 4, 8, 32, 128, 512):
        names = DERIVED.split()
        selection = " ".join(f"a{i}: {names[i % len(names)]}" for i in range(count))
        document = parse(f"{{ nodes {{ {selection} }} }}")
        print(count, *(f"{value:.1f}" for value in costs(schema, document)))


def costs(schema: Any, document: DocumentNode) -> tuple[float, ...]:
    """Microseconds: to compile, an object by graphql-core, an object by the plan; then the break-even in objects."""
    type_ = schema.type_map["Items"]
    executors = [
        cast("Any", context.build(schema, document, is_awaitable=optimized_is_awaitable))
        for context in (StrawberryGraphQLCoreExecutionContext, ProjectingExecutionContext)
    ]
    from graphql.execution.collect_fields import collect_fields

    executor = executors[0]
    group = collect_fields(schema, executor.fragments, executor.variable_values, type_, executor.operation)[0]
    details = group["nodes"]
    items = [one for highlight in source().highlights[:5] for one in highlight.items]
    list_type = type_.fields["nodes"].type.of_type
    compiling = statistics.median(
        milliseconds(lambda: compile_list(executor, list_type, details)) for _ in range(ROUNDS)
    )
    plan = compile_list(executor, list_type, details)
    from graphql.pyutils import Path

    path = Path(None, "nodes", "Items")
    info = executor.build_resolve_info(type_.fields["nodes"], [details[0].node], type_, path)
    interpreted = statistics.median(
        milliseconds(lambda: executor.complete_list_value(list_type, details, info, path, items, None))
        for _ in range(ROUNDS)
    ) / len(items)
    projected = statistics.median(milliseconds(lambda: plan.project(items)) for _ in range(ROUNDS)) / len(items)
    return compiling * 1e3, interpreted * 1e3, projected * 1e3, compiling / (interpreted - projected)


if __name__ == "__main__":
    gc.collect()
    gc.freeze()
    asyncio.run(side_by_side(STORED))
    asyncio.run(side_by_side(DERIVED))
    thresholds()
