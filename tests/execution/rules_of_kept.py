"""What the projection promises about what it keeps: the JSON of lists that never change."""

from __future__ import annotations

from typing import Any

import msgspec
import strawberry
from graphql import parse

from gateway.execution.prompt import PROMPT
from tests.execution.compare import STOCK, Context, frames, started
from tests.execution.rules import Rule
from tests.execution.subject import Subject


class Shot(msgspec.Struct, frozen=True):
    id: str
    name: str
    size: int
    parts: tuple[Shot, ...] = ()


class Loose(msgspec.Struct):
    id: str
    name: str


@strawberry.type
class Picture:
    id: strawberry.ID
    name: str
    size: float
    parts: list[Picture]

    @strawberry.field(metadata={PROMPT: True})  # type: ignore[untyped-decorator]
    def seen_by(source: strawberry.Parent[Shot], info: strawberry.Info) -> str:
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
    @property
    def shares(self) -> bool:
        return bool(self.get("shares", True))

    def at_once(self) -> Ways:
        return self


SCHEMA: Any = strawberry.Schema(Query)._schema
SHOTS = tuple(Shot(str(number), f"n{number}", number) for number in range(8))


def keeping(subject: Subject, max_bytes: int = 10**6) -> Context:
    return subject.context(worthwhile=1, projections=subject.package.Projections(max_bytes))


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
    context = keeping(subject)
    reads = 0

    def project(shots: Any, _: None) -> list[int]:
        nonlocal reads
        reads += 1
        return [1]

    for _ in range(4):
        projected = context.cache.projections.of(SHOTS, "shape", project)  # type: ignore[attr-defined]
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


async def what_may_change_is_never_kept(subject: Subject) -> None:
    for pictures in (tuple(Loose(str(number), "before") for number in range(8)), list(SHOTS), SHOTS[:-1]):
        context = keeping(subject)
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ id name }} }}", pictures)
        assert kept(context) == 0
    loose, context = tuple(Loose(str(number), "before") for number in range(8)), keeping(subject)
    for turn in range(3):
        loose[0].name = f"now {turn}"
        data = await answer(context, f"{{ turn{turn}: pictures {{ name }} }}", loose)
        assert data[f"turn{turn}"][0] == {"name": f"now {turn}"}


async def what_nobody_else_can_come_to_see_is_not_kept(subject: Subject) -> None:
    context = keeping(subject)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ id name }} }}", shares=False)
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]
    assert kept(context) == 0


async def one_object_that_may_change_is_enough(subject: Subject) -> None:
    mixed: Any = (*SHOTS[:-1], Loose("7", "before"))
    context = keeping(subject)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ name }} }}", mixed)
    assert kept(context) == 0


async def a_list_is_known_by_itself_and_not_by_its_place(subject: Subject) -> None:
    """A list that is gone leaves its id to the next one."""
    projections = subject.package.Projections(10**6)
    for number in range(50):
        shots = tuple([Shot(f"{number}-{at}", "n", at) for at in range(8)])
        for _ in range(3):
            assert said(projections, shots) == [shot.id for shot in shots]
    assert len(projections) == 50


def said(projections: Any, shots: tuple[Shot, ...]) -> Any:
    projected = projections.of(shots, "ids", lambda all_shots, _: [shot.id for shot in all_shots])
    return msgspec.json.decode(msgspec.json.encode(projected))


async def what_is_kept_stays_within_its_bytes(subject: Subject) -> None:
    context = keeping(subject, 4_000)
    lists = [tuple(Shot(f"{number}-{at}", "n" * 20, at) for at in range(8)) for number in range(20)]
    for pictures in lists:
        for turn in range(3):
            await answer(context, f"{{ turn{turn}: pictures {{ id name }} }}", pictures)
    assert 0 < kept(context) <= 3
    tiny = subject.package.Projections(100)
    for _ in range(3):
        assert said(tiny, SHOTS) == [shot.id for shot in SHOTS]
    assert len(tiny) == 0


async def without_room_for_it_nothing_is_kept(subject: Subject) -> None:
    context = subject.context(worthwhile=1)
    for turn in range(3):
        await answer(context, f"{{ turn{turn}: pictures {{ id parts {{ id }} }} }}")
        assert context.interpreted == ["Query.pictures"]  # type: ignore[attr-defined]


RULES: list[Rule] = [
    what_is_selected_again_is_kept_as_json,
    nothing_need_be_known_of_the_operation,
    what_is_kept_is_read_no_more,
    another_selection_of_the_same_list_is_another,
    the_same_list_under_another_type_is_another,
    what_a_resolver_says_is_asked_each_time,
    what_may_change_is_never_kept,
    what_nobody_else_can_come_to_see_is_not_kept,
    one_object_that_may_change_is_enough,
    a_list_is_known_by_itself_and_not_by_its_place,
    what_is_kept_stays_within_its_bytes,
    without_room_for_it_nothing_is_kept,
]
