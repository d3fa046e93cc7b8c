"""What the execution promises about answers that lost a part, projected or not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, NewType

import strawberry
from graphql import GraphQLSchema, parse
from strawberry.schema.config import StrawberryConfig

from gateway.domain import models, stickers
from gateway.domain.partial import WHOLE, Incomplete, partial, problem_of
from gateway.execution.leaf_values import PLAIN
from tests.execution.compare import outcome
from tests.execution.rules import Rule
from tests.execution.tested import Subject

BigInt = NewType("BigInt", int)
THING = "{ id code mediaType links { url x } picture(wide: true) small: picture }"


@strawberry.type
class Link:
    url: str
    x: float


def shown(root: strawberry.Parent[models.Item], wide: bool = False) -> str | None:
    return root.thumbnail_url


def made_up(root: strawberry.Parent[models.Item]) -> str | None:
    return "made up"


@strawberry.type
class Thing:
    id: strawberry.ID
    code: str | None
    media_type: int | None
    links: list[Link]
    picture: str | None = strawberry.field(resolver=shown, metadata={PLAIN: "thumbnail_url"})
    video_url: str | None = strawberry.field(resolver=made_up)


@strawberry.type
class Number:
    big: BigInt | None


@strawberry.type
class Query:
    @strawberry.field
    def thing(self, info: strawberry.Info) -> Thing | None:
        return info.context["thing"]  # type: ignore[no-any-return]

    @strawberry.field
    def things(self, info: strawberry.Info) -> list[Thing]:
        return info.context["things"]  # type: ignore[no-any-return]

    @strawberry.field
    def numbers(self, info: strawberry.Info) -> list[Number]:
        return info.context["numbers"]  # type: ignore[no-any-return]


def schema(big_int: Callable[[Any], int]) -> GraphQLSchema:
    scalars: dict[object, Any] = {BigInt: strawberry.scalar(name="BigInt", serialize=big_int)}
    enabled = StrawberryConfig(enable_experimental_incremental_execution=True, scalar_map=scalars)
    return strawberry.Schema(query=Query, config=enabled)._schema


def item(pk: int, **lost: int) -> models.Item:
    links = (stickers.Link("https://example.test/"), stickers.Link("https://example.test/2"))
    return partial(
        models.Item(pk, f"{pk}_1", code="C", media_type=1, thumbnail_url="https://a.test/", links=links), lost
    )


def spoiled_link(pk: int) -> models.Item:
    link = partial(stickers.Link("https://example.test/"), {"x": WHOLE})
    return models.Item(pk, f"{pk}_1", links=(link,))


async def same(subject: Subject, text: str, **value: Any) -> list[str]:
    """The frames of the answer: the same without projection, and when compiled code could make it."""
    package = subject.package
    graph = schema(sys.modules[f"{package.__name__}.leaf_values"].big_int)
    expected = await outcome(package.PartialExecutionContext, graph, parse(text), value)
    document, context = parse(text), subject.context(threshold=1)
    for _ in range(2):
        assert await outcome(context, graph, document, value) == expected
    return expected


def paths(frames: list[str]) -> int:
    return sum(frame.count("'path'") for frame in frames)


async def what_an_object_lost_is_told_beside_what_it_has(subject: Subject) -> None:
    things = [item(1), item(2, code=WHOLE), item(3, links=1), item(4, media_type=WHOLE), spoiled_link(5)]
    (frame,) = await same(subject, f"{{ things {THING} }}", things=things)
    for path in (
        ["things", 1, "code"],
        ["things", 2, "links"],
        ["things", 3, "mediaType"],
        ["things", 4, "links", 0, "x"],
    ):
        assert f"'path': {path!r}" in frame
    assert frame.count("'path'") == frame.count("UPSTREAM_PARTIAL_ANSWER'") == 4
    assert frame.count("'leftOut': 1") == 1
    assert frame.count("example.test/'") == 5


async def what_was_lost_and_is_not_selected_is_not_told(subject: Subject) -> None:
    assert "errors" not in (await same(subject, "{ thing { id } }", thing=item(1, code=WHOLE)))[0]


async def what_is_read_by_a_resolver_as_it_is_is_told_as_well(subject: Subject) -> None:
    (frame,) = await same(subject, f"{{ thing {THING} }}", thing=item(1, thumbnail_url=WHOLE))
    assert "['thing', 'picture']" in frame
    assert "['thing', 'small']" in frame


async def what_a_resolver_makes_is_left_to_it(subject: Subject) -> None:
    assert "errors" not in (await same(subject, "{ thing { videoUrl } }", thing=item(1, video_url=WHOLE)))[0]


async def an_incomplete_value_is_shown_and_told(subject: Subject) -> None:
    things = Incomplete([item(1), item(2)], problem_of(3))
    (frame,) = await same(subject, f"{{ things {THING} }}", things=things)
    assert "'path': ['things']" in frame
    assert "'leftOut': 3" in frame
    assert frame.count("'id'") == 2
    (frame,) = await same(subject, f"{{ thing {THING} }}", thing=Incomplete(item(1), problem_of(WHOLE)))
    assert "'path': ['thing']" in frame
    assert "'id'" in frame


async def what_is_below_an_incomplete_list_is_told_too(subject: Subject) -> None:
    """For graphql-core an error stands for null, below which there is nothing to tell of."""
    things = Incomplete([item(1, code=WHOLE)], problem_of(1))
    (frame,) = await same(subject, f"{{ things {THING} }}", things=things)
    assert frame.count("'path'") == 2
    deferred = "{ thing { id ... @defer { code links { url } } } }"
    frames = await same(subject, deferred, thing=Incomplete(item(1, code=WHOLE), problem_of(1)))
    assert paths(frames) == 3  # two errors, and the place of the part that comes later


async def no_more_is_told_than_anybody_reads(subject: Subject) -> None:
    (frame,) = await same(subject, "{ things { code } }", things=[item(pk, code=WHOLE) for pk in range(1, 103)])
    assert frame.count("'path'") == 100
    assert frame.count("'message'") == 101
    (frame,) = await same(subject, "{ things { code } }", things=[item(pk, code=WHOLE) for pk in range(1, 101)])
    assert frame.count("'message'") == 100


async def an_integer_that_all_can_read_is_one(subject: Subject) -> None:
    exact: list[Any] = [2**53 - 1, 1 - 2**53, 2**31, 0, None]
    for value in exact:
        (frame,) = await same(subject, "{ numbers { big } }", numbers=[Number(big=value)])
        assert f"'big': {value!r}" in frame
        assert "errors" not in frame
    others: list[Any] = [2**53, -(2**53), True, 5.0, "5"]
    for value in others:
        (frame,) = await same(subject, "{ numbers { big } }", numbers=[Number(big=value)])
        assert "'big': None" in frame
        assert "BigInt cannot represent" in frame


RULES: list[Rule] = [
    what_an_object_lost_is_told_beside_what_it_has,
    what_was_lost_and_is_not_selected_is_not_told,
    what_is_read_by_a_resolver_as_it_is_is_told_as_well,
    what_a_resolver_makes_is_left_to_it,
    an_incomplete_value_is_shown_and_told,
    what_is_below_an_incomplete_list_is_told_too,
    no_more_is_told_than_anybody_reads,
    an_integer_that_all_can_read_is_one,
]
