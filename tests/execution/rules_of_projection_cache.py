"""What the projection promises about what it keeps: the JSON of lists that never change."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterable
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


def keeping(subject: Subject, max_bytes: int = 10**6, lists: Iterable[SharedTuple[Shot]] = ()) -> Context:
    """A context that caches the projections of SHOTS and `lists`."""
    return subject.context(threshold=1, projections=projections_of(subject, SHOTS, *lists, max_bytes=max_bytes))


def projections_of(subject: Subject, *lists: SharedTuple[Shot], max_bytes: int = 10**6) -> Any:
    projections = subject.package.Projections(max_bytes)
    for objects in lists:
        projections.add(objects)
    return projections


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
    context = keeping(subject)
    counts = []
    for turn in range(3):
        await answer(context, f"{{ again{turn}: pictures {{ id name }} }}")
        counts.append(kept(context))
    assert counts == [0, 1, 1]


async def nothing_need_be_known_of_the_operation(subject: Subject) -> None:
    """A context of somebody's own has nothing to tell."""
    context = keeping(subject)
    for _ in range(3):
        context.interpreted.clear()  # type: ignore[attr-defined]
        arguments = {"context_value": {"pictures": SHOTS}, "variable_values": {}, "executor_class": context}
        document = parse("{ pictures { id parts { id } } }")
        (result,) = [frame async for frame in frames(await started(SCHEMA, document, arguments))]
        assert not result.errors
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
    assert kept(context) == 1


async def what_is_kept_is_read_no_more(subject: Subject) -> None:
    projections, reads = projections_of(subject, SHOTS), 0

    def project(shots: Any, _: None) -> list[int]:
        nonlocal reads
        reads += 1
        return [1]

    for _ in range(4):
        projected = projections.of(SHOTS, b"id", project)
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
    short = SharedTuple(SHOTS[:-1])
    for pictures in (tuple(SHOTS), list(SHOTS), short):
        context = keeping(subject, lists=[short])
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ id name }} }}", pictures)
            assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
        assert kept(context) == 0


async def a_dropped_list_leaves_nothing_to_the_next_one_with_its_id(subject: Subject) -> None:
    projections = projections_of(subject)
    for number in range(50):
        shots = SharedTuple([Shot(f"{number}-{at}", "n", at) for at in range(8)])
        projections.add(shots)
        for _ in range(3):
            assert said(projections, shots) == [shot.id for shot in shots]
        assert len(projections) == 1
        projections.drop(shots)
        assert len(projections) == 0


async def of_a_list_that_its_owner_does_not_keep_nothing_is_kept(subject: Subject) -> None:
    """An operation may still be reading one that was dropped."""
    projections = projections_of(subject, SHOTS)
    projections.drop(SHOTS)
    for _ in range(3):
        assert said(projections, SHOTS) == [shot.id for shot in SHOTS]
    assert len(projections) == 0


def said(projections: Any, shots: SharedTuple[Shot], shape: bytes = b"id") -> Any:
    projected = projections.of(shots, shape, lambda all_shots, _: [shot.id for shot in all_shots])
    return msgspec.json.decode(msgspec.json.encode(projected))


async def what_is_kept_stays_within_its_bytes(subject: Subject) -> None:
    lists = [SharedTuple([Shot(f"{number}-{at}", "n" * 500, at) for at in range(8)]) for number in range(20)]
    context = keeping(subject, 12_000, lists)
    for pictures in lists:
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ name }} }}", pictures)
    assert kept(context) == 2
    tiny = projections_of(subject, SHOTS, max_bytes=100)
    for _ in range(3):
        assert said(tiny, SHOTS) == [shot.id for shot in SHOTS]
    assert len(tiny) == 0


def listed(shots: Any, _: None) -> list[Any]:
    return list(shots)


async def more_than_there_is_room_for_does_not_push_itself_out(subject: Subject) -> None:
    """Asked for one after the other, each would come just after it had to go."""
    lists = [SharedTuple([Shot(f"{number}-{at}", "n" * 500, at) for at in range(8)]) for number in range(4)]
    projections = projections_of(subject, *lists, max_bytes=12_000)
    for _ in range(6):
        kept_now = [projections.of(objects, b"all", listed) for objects in lists]
    assert [type(one) for one in kept_now] == [list, list, msgspec.Raw, msgspec.Raw]


async def what_is_selected_by_many_is_kept_for_all(subject: Subject) -> None:
    projections = projections_of(subject, SHOTS)
    for _ in range(2):
        for number in range(16):
            said(projections, SHOTS, b"%d" % number)
    assert len(projections) == 16


async def selections_that_nobody_repeats_are_forgotten(subject: Subject) -> None:
    """Those that are repeated stay, as long as there are others to forget."""
    projections = projections_of(subject, SHOTS)
    for number in range(100):
        assert (type(projections.of(SHOTS, b"kept", listed)) is msgspec.Raw) == (number > 0)
        said(projections, SHOTS, b"%d" % number)
    assert len(projections) == 1
    said(projections, SHOTS, b"0")  # the first use, again
    assert len(projections) == 1


async def of_one_list_no_more_than_its_number_of_selections_is_kept(subject: Subject) -> None:
    projections = projections_of(subject, SHOTS)
    for number in range(100):
        for _ in range(2):
            said(projections, SHOTS, b"%d" % number)
        assert len(projections) <= 16
    projections.drop(SHOTS)
    assert len(projections) == 0


async def the_identity_of_a_selection_is_short(subject: Subject) -> None:
    shape_of = sys.modules[f"{subject.package.__name__}.projection_cache"].shape_of
    first = shape_of("Picture", ("{", "id", "id", "}"))
    assert first == shape_of("Picture", ["{", "id", "id", "}"])
    others = {shape_of("Counted", ("{", "id", "id", "}")), shape_of("Picture", ("{", "idid", "}")), first}
    assert len(others) == 3
    assert len(shape_of("Picture", ("x" * 1_000_000,))) == len(first)


async def without_room_for_it_nothing_is_kept(subject: Subject) -> None:
    context = subject.context(threshold=1)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ id parts {{ id }} }} }}")
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]


async def a_plan_that_is_dropped_is_freed_at_once(subject: Subject) -> None:
    """Its functions have each other as globals: a cycle, which would wait for the garbage collector."""
    context = subject.context(threshold=1, max_bytes=35_000)  # for one document
    gc.collect()  # first, or an id may be that of another function later
    others = set(map(id, projecting()))
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
    a_dropped_list_leaves_nothing_to_the_next_one_with_its_id,
    of_a_list_that_its_owner_does_not_keep_nothing_is_kept,
    what_is_kept_stays_within_its_bytes,
    more_than_there_is_room_for_does_not_push_itself_out,
    what_is_selected_by_many_is_kept_for_all,
    selections_that_nobody_repeats_are_forgotten,
    of_one_list_no_more_than_its_number_of_selections_is_kept,
    the_identity_of_a_selection_is_short,
    without_room_for_it_nothing_is_kept,
    a_plan_that_is_dropped_is_freed_at_once,
]
