"""What the projection promises about what it keeps: the JSON of lists that never change."""

from __future__ import annotations

import gc
import weakref
from types import FunctionType
from typing import Any

import msgspec
import strawberry
from graphql import parse

from gateway.domain.shared_tuple import SharedTuple
from gateway.execution.sync_resolvers import SYNC
from tests.execution.compare import STOCK, Context, frames, started
from tests.execution.rules import Rule
from tests.execution.tested import Subject


class Shot(msgspec.Struct, frozen=True):
    id: str
    name: str
    size: int
    parts: tuple[Shot, ...] = ()


@strawberry.type
class Picture:
    id: strawberry.ID
    name: str
    size: float
    parts: list[Picture]

    @strawberry.field(metadata={SYNC: True})  # type: ignore[untyped-decorator]
    def seen_by(source: strawberry.Parent[Shot], info: strawberry.Info) -> str:  # noqa: N805 (a model, not the type)
        return f"{source.id} by {info.context['viewer']}"


@strawberry.type
class Counted:
    """The same objects under another type."""

    id: strawberry.ID
    size: int


@strawberry.type
class Query:
    @strawberry.field
    def pictures(self, info: strawberry.Info) -> list[Picture]:
        return info.context["pictures"]  # type: ignore[no-any-return]

    @strawberry.field
    def counted(self, info: strawberry.Info) -> list[Counted]:
        return info.context["pictures"]  # type: ignore[no-any-return]


class Ways(dict[str, Any]):
    def non_blocking(self) -> Ways:
        return self


SCHEMA: Any = strawberry.Schema(Query)._schema
SHOTS = SharedTuple([Shot(str(number), f"n{number}", number) for number in range(8)])


def keeping(subject: Subject, max_bytes: int = 10**6) -> Context:
    return subject.context(threshold=1, projections=subject.package.Projections(max_bytes))


def kept(context: Context) -> int:
    return len(context.cache.projections)  # type: ignore[attr-defined]


async def answer(context: Context, text: str, pictures: Any = SHOTS, **more: Any) -> dict[str, Any]:
    """The data that reach the client, which must be what graphql-core makes of the same."""
    results: list[bytes] = []
    context.interpreted.clear()  # type: ignore[attr-defined]
    for each in (context, STOCK):
        ways = Ways(pictures=pictures, **more)
        arguments = {"context_value": ways, "variable_values": {}, "executor_class": each}
        (result,) = [frame async for frame in frames(await started(SCHEMA, parse(text), arguments))]
        assert not result.errors, result.errors
        results.append(msgspec.json.encode(result.data))
    assert results[0] == results[1]
    data: dict[str, Any] = msgspec.json.decode(results[0])
    return data


async def what_is_selected_again_is_kept_as_json(subject: Subject) -> None:
    context, shots = keeping(subject), SharedTuple(SHOTS)
    counts = []
    for turn in range(3):
        await answer(context, f"{{ again{turn}: pictures {{ id name }} }}", shots)
        counts.append(kept(context))
    assert counts == [0, 1, 1]


async def nothing_need_be_known_of_the_operation(subject: Subject) -> None:
    """A context of somebody's own has nothing to tell."""
    context, shots = keeping(subject), SharedTuple(SHOTS)
    for _ in range(3):
        context.interpreted.clear()  # type: ignore[attr-defined]
        arguments = {"context_value": {"pictures": shots}, "variable_values": {}, "executor_class": context}
        document = parse("{ pictures { id parts { id } } }")
        (result,) = [frame async for frame in frames(await started(SCHEMA, document, arguments))]
        assert not result.errors
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
    assert kept(context) == 1


async def what_is_kept_is_read_no_more(subject: Subject) -> None:
    context = keeping(subject)
    reads, shots = 0, SharedTuple(SHOTS)
    shape = context.cache.projections.shape("Picture", ("id",))  # type: ignore[attr-defined]

    def project(shots: Any, _: None) -> list[int]:
        nonlocal reads
        reads += 1
        return [1]

    for _ in range(4):
        projected = context.cache.projections.of(shots, shape, project)  # type: ignore[attr-defined]
        assert msgspec.json.encode(projected) == b"[1]"
    assert reads == 2


async def another_selection_of_the_same_list_is_another(subject: Subject) -> None:
    context = keeping(subject)
    for selection in ("id name", "name id", "id: name name: id", "id", "name", "parts { id }", "parts { id: name }"):
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ {selection} }} }}")


async def the_same_list_under_another_type_is_another(subject: Subject) -> None:
    context = keeping(subject)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ id size }} counted {{ id size }} }}")


async def what_a_resolver_says_is_asked_each_time(subject: Subject) -> None:
    context = keeping(subject)
    for viewer in ("a", "b", "c"):
        data = await answer(context, f"{{ by{viewer}: pictures {{ id seenBy }} }}", viewer=viewer)
        assert data[f"by{viewer}"][0] == {"id": "0", "seenBy": f"0 by {viewer}"}
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
    assert kept(context) == 0


async def only_long_lists_that_last_are_kept(subject: Subject) -> None:
    for pictures in (tuple(SHOTS), list(SHOTS), SharedTuple(SHOTS[:-1])):
        context = keeping(subject)
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ id name }} }}", pictures)
            assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
        assert kept(context) == 0


async def a_list_is_known_by_itself_and_not_by_its_place(subject: Subject) -> None:
    """A list that is gone leaves its id to the next one."""
    projections = subject.package.Projections(10**6)
    shape = projections.shape("Picture", ("id",))
    for number in range(50):
        shots = SharedTuple([Shot(f"{number}-{at}", "n", at) for at in range(8)])
        for _ in range(3):
            assert said(projections, shots, shape) == [shot.id for shot in shots]
    assert len(projections) == 50


def said(projections: Any, shots: SharedTuple[Shot], shape: Any) -> Any:
    projected = projections.of(shots, shape, lambda all_shots, _: [shot.id for shot in all_shots])
    return msgspec.json.decode(msgspec.json.encode(projected))


async def what_is_kept_stays_within_its_bytes(subject: Subject) -> None:
    """The objects count, too, however little of them is selected."""
    context = keeping(subject, 24_000)
    lists = [SharedTuple([Shot(f"{number}-{at}", "n" * 500, at) for at in range(8)]) for number in range(20)]
    for pictures in lists:
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ id }} }}", pictures)
    assert kept(context) == 2
    tiny, shots = subject.package.Projections(100), SharedTuple(SHOTS)
    shape = tiny.shape("Picture", ("id",))
    for _ in range(3):
        assert said(tiny, shots, shape) == [shot.id for shot in SHOTS]
    assert len(tiny) == 0


def listed(shots: Any, _: None) -> list[Any]:
    return list(shots)


async def more_than_there_is_room_for_does_not_push_itself_out(subject: Subject) -> None:
    """Asked for one after the other, each would come just after it had to go."""
    context = keeping(subject, 24_000)
    lists = [SharedTuple([Shot(f"{number}-{at}", "n" * 500, at) for at in range(8)]) for number in range(4)]
    for turn in range(6):
        for number, pictures in enumerate(lists):
            await answer(context, f"{{ turn{turn}x{number}: pictures {{ id }} }}", pictures)
    kept_now = [context.cache.projections.of(one, shape, listed) for one in lists for shape in one.shapes]  # type: ignore[attr-defined]
    assert [type(one) for one in kept_now] == [list, list, msgspec.Raw, msgspec.Raw]


async def what_is_selected_by_many_is_kept_for_all(subject: Subject) -> None:
    projections, shots = subject.package.Projections(10**6), SharedTuple(SHOTS)
    for _ in range(2):
        for number in range(16):
            said(projections, shots, projections.shape("Picture", (str(number),)))
    assert len(projections) == 16


async def selections_that_nobody_repeats_are_forgotten(subject: Subject) -> None:
    projections, shots = subject.package.Projections(10**6), SharedTuple(SHOTS)
    for number in range(1_000):
        said(projections, shots, projections.shape("Picture", (str(number),)))
    assert len(shots.shapes) <= 16
    first, again = (projections.shape("Picture", ("{", "id", "id", "}")) for _ in range(2))
    assert first is again
    assert projections.shape("Counted", ("{", "id", "id", "}")) is not first
    for number in range(300):
        projections.shape("Picture", ("{", f"{number}" * 500, "id", "}"))
    assert projections.shape("Picture", ("{", "id", "id", "}")) is not first
    assert projections.shape("Picture", ("x" * 1_000_000,)).size > 1_000_000


async def without_room_for_it_nothing_is_kept(subject: Subject) -> None:
    context = subject.context(threshold=1)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ id parts {{ id }} }} }}")
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]


async def a_plan_that_is_dropped_is_freed_at_once(subject: Subject) -> None:
    """Its functions have each other as globals: a cycle, which would wait for the garbage collector."""
    context = subject.context(threshold=1, max_bytes=35_000)  # for one document
    others = set(map(id, projecting()))
    gc.collect()
    gc.disable()
    try:
        await answer(context, "{ turn: pictures { id parts { id } } }")
        functions = [weakref.ref(one) for one in projecting() if id(one) not in others]
        assert functions
        for turn in range(2):
            await answer(context, f"{{ turn{turn}: pictures {{ id parts {{ id }} }} }}")
        assert len(context.cache) == 1  # type: ignore[attr-defined]
        assert {function() for function in functions} == {None}
    finally:
        gc.enable()


def projecting() -> list[FunctionType]:
    """All generated functions that there are."""
    functions = (one for one in gc.get_objects() if type(one) is FunctionType)
    return [one for one in functions if one.__code__.co_filename == "<projection>"]


RULES: list[Rule] = [
    what_is_selected_again_is_kept_as_json,
    nothing_need_be_known_of_the_operation,
    what_is_kept_is_read_no_more,
    another_selection_of_the_same_list_is_another,
    the_same_list_under_another_type_is_another,
    what_a_resolver_says_is_asked_each_time,
    only_long_lists_that_last_are_kept,
    a_list_is_known_by_itself_and_not_by_its_place,
    what_is_kept_stays_within_its_bytes,
    more_than_there_is_room_for_does_not_push_itself_out,
    what_is_selected_by_many_is_kept_for_all,
    selections_that_nobody_repeats_are_forgotten,
    without_room_for_it_nothing_is_kept,
    a_plan_that_is_dropped_is_freed_at_once,
]
