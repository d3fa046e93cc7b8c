"""What the projection promises about answers: each rule is a function of its subject, real or mutated.

Whether the data are equal is asserted by `Subject.same`; what it answers are the fields graphql-core had to resolve.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import strawberry
from graphql import Undefined, parse

from tests.execution.compare import STOCK, outcome
from tests.execution.data import Failing, Proxy, Subclassed, Tuple
from tests.execution.dialect import MAPPINGS, NAMED, NAMES, UNUSUAL
from tests.execution.tested import Subject, a_box, box, leaves
from tests.execution.world import GRAPH, SPECIAL_WORDS, Drawing, Edge, Kind, Later, Photo, Text, Video

Rule = Callable[[Subject], Awaitable[None]]
NAN, INFINITE = float("nan"), float("inf")
ODD: dict[str, list[Any]] = {
    "text": [None, 7, Subclassed("s"), Undefined, Failing(), Later("x"), object(), b"b", ["l"]],
    "textOrNull": ["s", 7, Undefined, Failing(), Later(None)],
    "whole": [2**31, -(2**31), -(2**31) - 1, 2**31 - 1, True, 1.0, 1.5, "3", None, NAN],
    "wholeOrNull": [2**31, -(2**31), True, Undefined],
    "real": [NAN, INFINITE, -INFINITE, 3, True, "x", 10**400, 1.7976931348623157e308, -1e308],
    "realOrNull": [NAN, INFINITE, -INFINITE, 1.5],
    "flag": [0, 1.0, "true", None],
    "id": [12, 1.5, True, Subclassed("i"), None, object()],
    "kind": [Kind.NONE, "feed", "FEED", 0, [], None, object()],
    "kindOrNull": [Kind.STORY, None, "nope", Later(Kind.STORY)],
    "at": [None, "2025", Later(1)],
    "big": ["5", True, 1, None],
    "words": [[], "ab", None, 7, Failing(), Later(["w"]), *SPECIAL_WORDS],
    "json": [None, Undefined, Failing(), Later({}), NAN, (1,), object()],
    "tags": [("a",), Tuple(("a",)), ["a", None], [Later("x")], None, "ab", {"a": 1}, {"s"}, [Failing()], []],
    "tagsOrNull": [[None, "a"], [Undefined], [Failing()], 7],
    "grid": [[[2**31]], [None], [(1,)], ((1, 2),), [Later([1])], 7],
    "kinds": [[None], [Kind.FEED, "story", 5], [Undefined]],
}
LEAVES = "text textOrNull whole real flag id kind kindOrNull at big words json tags grid kinds gridOrNull"


def snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


async def an_odd_leaf_is_reported_by_graphql_core(subject: Subject) -> None:
    for name, values in ODD.items():
        document = parse(f"{{ boxes {{ leaves {{ id {name} }} many {{ {name} text }} }} }}")
        for value in values:
            odd: dict[str, Any] = {snake(name): value}
            await subject.same(document, a_box(leaves=leaves(**odd)))
            await subject.same(document, a_box(many=[leaves(), leaves(**odd)]))


class Moment:
    """Of no class whose `isoformat` is known."""

    tzinfo = None

    def __init__(self, text: object) -> None:
        self.text = text

    def isoformat(self) -> object:
        return self.text


async def a_moment_of_ones_own_is_completed_by_graphql_core(subject: Subject) -> None:
    for text in ("today", None, LookupError("odd")):
        await subject.same("{ boxes { many { id at } } }", a_box(many=[leaves(), leaves(at=Moment(text))]))


async def a_moment_is_told_as_python_tells_it(subject: Subject) -> None:
    nepal = datetime.timezone(datetime.timedelta(hours=5, minutes=45))
    for zone in (None, datetime.UTC, nepal, datetime.timezone(datetime.timedelta(0), "GMT")):
        for moment in (datetime.datetime.min, datetime.datetime.max, datetime.datetime(2025, 1, 2, 3, 4, 5, 60)):
            at = moment.replace(tzinfo=zone)
            assert await subject.same("{ boxes { many { id at } } }", a_box(many=[leaves(at=at)])) == ["Query.boxes"]


async def a_synchronous_resolver_is_called_by_compiled_code(subject: Subject) -> None:
    text = "query($n: Int) { boxes { name quick a: quick(times: $n, kind: REEL) rooted linked { text } } }"
    context, document = subject.context(threshold=1), parse(text)
    for variables in ({"n": 2}, {"n": 3}, {}):
        assert await subject.same(document, box, variables, context=context) == ["Query.boxes"]


async def a_synchronous_resolver_that_fails_is_called_again_by_graphql_core(subject: Subject) -> None:
    waits: list[int] = []
    resolved = await subject.same("{ boxes { name quick linked { text } } }", box, slow=True, waits=waits)
    assert "Box.quick" in resolved
    assert "Box.name" not in resolved
    assert len(waits) == 3 * 3, "nothing is begun that nobody would wait for"
    await subject.same("{ boxes { name linked { text } } }", a_box(many=None))
    await subject.same("{ boxes { name linked { text } } }", a_box(many=[leaves(), Failing()]))
    await subject.same("query($n: Int) { boxes { quick(times: $n) } }", box, {"n": None})


async def no_plan_begins_with_a_synchronous_resolver(subject: Subject) -> None:
    """Where one fails, the plain fields beside it are still projected."""
    assert await subject.same("{ box { name quick } }", box) == ["Query.box", "Box.quick"]


async def a_synchronous_resolver_needs_a_context_with_synchronous_access(subject: Subject) -> None:
    value = {"boxes": lambda: [box(), box()]}
    document, context = parse("{ boxes { name quick } }"), subject.context(threshold=1)
    for _ in range(2):
        context.interpreted.clear()  # type: ignore[attr-defined]
        assert await outcome(context, GRAPH, document, value) == await outcome(STOCK, GRAPH, document, value)
    assert context.interpreted == ["Query.boxes", "Box.quick", "Box.quick"]  # type: ignore[attr-defined]


async def a_resolver_with_extensions_is_not_synchronous(subject: Subject) -> None:
    for allowed in (True, False):
        resolved = await subject.same("{ boxes { guardedQuick } }", box, allowed=allowed)
        assert "Box.guardedQuick" in resolved
    assert "Box.quickLater" in await subject.same("{ boxes { quickLater } }", box)
    assert "Box.shout" in await subject.same("{ boxes { shout } }", box)


async def an_iterator_is_not_used_up_by_a_try_that_fails(subject: Subject) -> None:
    words = "{ boxes { leaves { words kindOrNull } } }"
    await subject.same(words, lambda: box(leaves=leaves(words=iter(["once"]), kind_or_null="?")))
    await subject.same(words, lambda: box(leaves=leaves(words=(letter for letter in "ab"), kind_or_null="?")))
    await subject.same("{ boxes { leaves { tags text } } }", lambda: box(leaves=leaves(tags=iter("ab"), text=None)))
    await subject.same("{ boxes { many { text } } }", lambda: box(many=iter([leaves()])))
    await subject.same("{ many { text } }", lambda: box(many=iter([leaves()])))


async def plain_objects_are_projected_whole(subject: Subject) -> None:
    rest = "edge { cursor node { id } }"
    text = f"{{ boxes {{ name renamed leaves {{ {LEAVES} }} many {{ t: __typename {LEAVES} }} {rest} }} }}"
    assert await subject.same(text, a_box(edge=Edge(cursor="c", node=leaves()))) == ["Query.boxes"]
    assert await subject.same("{ boxes { grid { name } } }", a_box(grid=[[box(), None], []])) == ["Query.boxes"]
    assert await subject.same("{ boxes { many { tags } } }", a_box(many=(leaves(),))) == ["Query.boxes"]


async def raw_enum_values_are_projected(subject: Subject) -> None:
    assert await subject.same("{ boxes { leaves { kind } } }", a_box(leaves=leaves(kind="feed"))) == ["Query.boxes"]


async def resolvers_beside_plain_fields_are_left_to_graphql_core(subject: Subject) -> None:
    text = "{ boxes { name boom shout(times: 2) renamed later { text at } kind_of: __typename leaves { id } } }"
    resolved = ["Box.boom", "Box.shout", "Box.later"]
    assert await subject.same(text, a_box(leaves_or_null=leaves())) == ["Query.boxes", *resolved * 3]
    # All of an object's plain fields are done again by graphql-core when one of them is odd.
    text = "{ boxes { name shout leaves { text } later { text } } }"
    for odd in ({"name": None}, {"leaves": leaves(text=Failing())}, {"leaves_or_null": leaves(text=None)}):
        await subject.same(text, a_box(**odd))
    await subject.same("{ boxes { shout name } }", box)
    assert await subject.same("{ boxes { name bang } }", box) == ["Query.boxes", "Box.bang"]


async def what_lies_below_a_resolver_in_a_list_is_still_projected(subject: Subject) -> None:
    text = "{ boxes { children { name shout many { text } } } }"
    assert await subject.same(text, a_box(children=[box(), box()])) == [
        "Query.boxes",
        *["Box.children", "Box.shout", "Box.shout"] * 3,
    ]


async def a_permission_is_asked_for(subject: Subject) -> None:
    for allowed in (True, False):
        resolved = await subject.same("{ boxes { name guarded } }", a_box(guarded="g"), allowed=allowed)
        assert resolved == ["Query.boxes", *["Box.guarded"] * 3]


async def abstract_types_are_resolved_by_graphql_core(subject: Subject) -> None:
    photo = Photo(id=strawberry.ID("1"), label=None, width=3, leaves=leaves())
    video = Video(id=strawberry.ID("2"), label="v", duration=None, leaves=leaves())
    nodes = "nodes { id ... on Video { duration leaves { text } } }"
    media = "media { __typename ... on Text { body } ... on Photo { width } }"
    text = f"{{ boxes {{ name {nodes} {media} }} }}"
    for member in (
        photo,
        video,
        Text(body="b", label=None),
        Drawing(body="d"),
        leaves(),
        Failing(),
        None,
        Later(photo),
    ):
        await subject.same(text, a_box(media=member, nodes=[photo, member, None]))
    # The same nodes are selected of objects of several types.
    await subject.same("{ boxes { nodes { __typename id label } } }", a_box(nodes=[photo, video, photo, video]))
    assert "Video.duration" not in await subject.same(text, a_box(nodes=[video]))


async def an_object_must_be_of_its_type(subject: Subject) -> None:
    photo = Photo(id=strawberry.ID("1"), label=None, width=3, leaves=None)
    video = Video(id=strawberry.ID("2"), label="v", duration=None, leaves=leaves())
    text = "{ boxes { photo { id label } photos { label leaves { id } } } }"
    assert await subject.same(text, a_box(photo=photo, photos=[photo])) == ["Query.boxes"]
    for wrong in (
        video,
        leaves(),
        strawberry.cast(Video, Photo(id=strawberry.ID("3"), label="c", width=1, leaves=None)),
    ):
        await subject.same(text, a_box(photo=wrong))
        await subject.same(text, a_box(photos=[photo, wrong]))


async def an_author_s_judgement_of_types_is_asked_for(subject: Subject) -> None:
    for no_drawings in (True, False):
        await subject.same("{ boxes { drawing { body } } }", a_box(drawing=Drawing(body="d")), no_drawings=no_drawings)


async def an_object_must_be_one(subject: Subject) -> None:
    odd: list[Any] = [None, Undefined, Failing(), 7, "text", iter([]), {"text": "t"}, Later(leaves()), Proxy(leaves())]
    for wrong in odd:
        await subject.same("{ boxes { many { __typename } } }", a_box(many=[leaves(), wrong]))
        await subject.same(
            "{ boxes { leaves { __typename } child { __typename } } }",
            a_box(leaves=wrong, child=wrong),
        )
    # Instances of one class: the first is an object, the second awaitable.
    await subject.same("{ boxes { many { __typename } } }", a_box(many=[Proxy(leaves()), Proxy(Later(leaves()))]))
    await subject.same("{ boxes { many { __typename text } } }", lambda: Failing())


async def sources_are_read_by_the_schema_s_own_reader(subject: Subject) -> None:
    text = "{ entries { title size } }"
    assert await subject.same(text, lambda: {"title": "t", "size": 3}, schema=MAPPINGS) == ["Mappings.entries"]
    await subject.same(text, lambda: {"size": 3}, schema=MAPPINGS)
    spoken = type("Spoken", (), dict.fromkeys((*NAMES, "fine"), "wrong"))()
    for name in NAMES:
        setattr(spoken, name, name)
    assert await subject.same("{ named { keyword folded spaced } }", lambda: spoken, schema=NAMED) == ["Names.named"]


async def fields_resolved_in_an_unusual_way_are_left_to_graphql_core(subject: Subject) -> None:
    resolved = ["Unusual.entries", *["UnusualEntry.louder", "UnusualEntry.replaced"] * 3]
    entry = SimpleNamespace(title="t", size=1, louder="l", replaced="r")
    assert await subject.same("{ entries { title louder replaced } }", lambda: entry, schema=UNUSUAL) == resolved


async def a_list_may_be_anything_that_iterates(subject: Subject) -> None:
    anything: list[Any] = [{}, "ab", 7, None, Tuple((leaves(),))]
    for many in (*anything, [leaves()], (leaves(), None), [leaves(text=None)]):
        await subject.same("{ many { text id } }", a_box(many=many))
    assert await subject.same("{ many { text } }", a_box(many=[leaves()])) == ["Query.many"]
    assert await subject.same("{ many { text } }", a_box(many=(leaves(),))) == ["Query.many"]


async def unknown_fields_are_left_out(subject: Subject) -> None:
    """Documents are validated before; graphql-core still has a way with those that are not."""
    await subject.same("{ boxes { name nonsense shout } }", box)
    await subject.same("{ boxes { leaves { id nonsense } } }", box)


RULES: list[Rule] = [
    an_odd_leaf_is_reported_by_graphql_core,
    a_moment_of_ones_own_is_completed_by_graphql_core,
    a_moment_is_told_as_python_tells_it,
    a_synchronous_resolver_is_called_by_compiled_code,
    a_synchronous_resolver_that_fails_is_called_again_by_graphql_core,
    no_plan_begins_with_a_synchronous_resolver,
    a_synchronous_resolver_needs_a_context_with_synchronous_access,
    a_resolver_with_extensions_is_not_synchronous,
    an_iterator_is_not_used_up_by_a_try_that_fails,
    plain_objects_are_projected_whole,
    raw_enum_values_are_projected,
    resolvers_beside_plain_fields_are_left_to_graphql_core,
    what_lies_below_a_resolver_in_a_list_is_still_projected,
    a_permission_is_asked_for,
    abstract_types_are_resolved_by_graphql_core,
    an_object_must_be_of_its_type,
    an_author_s_judgement_of_types_is_asked_for,
    an_object_must_be_one,
    sources_are_read_by_the_schema_s_own_reader,
    fields_resolved_in_an_unusual_way_are_left_to_graphql_core,
    a_list_may_be_anything_that_iterates,
    unknown_fields_are_left_out,
]
