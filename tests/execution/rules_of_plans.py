"""What the projection promises about its plans: when there are any, what they hold for, and when it steps aside."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
import weakref
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLInt,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    parse,
    print_ast,
)
from strawberry.extensions import MaskErrors, SchemaExtension
from strawberry.federation import Schema

from gateway.execution.compilation_cache import MODULES_SHARE
from tests.execution.compare import STOCK, Context, outcome
from tests.execution.rules import LEAVES, Rule
from tests.execution.tested import Make, Subject, a_box, box, leaves
from tests.execution.world import CONFIG, GRAPH, Query, Ways

NAMES = "{ boxes { name } }"
# For rules about compiling, which select what no other run did.
NEVER_BEFORE = itertools.count()
# Where memory is taken for plans and what they hold; mutants are loaded from no file.
OF_PLANS = [tracemalloc.Filter(True, name) for name in ("*/graphql/*", "*/gateway/execution/*", "<*")]


def with_many(**odd: Any) -> Make:
    return a_box(many=[leaves(), leaves(**odd), leaves()])


async def one_odd_object_costs_no_other_its_plan(subject: Subject) -> None:
    resolved = await subject.same("{ box { many { id text } } }", with_many(text=None))
    assert resolved == ["Query.box", "Box.many", "Leaves.id", "Leaves.text"]


def unknown() -> DocumentNode:
    return parse(f"{{ box {{ never{next(NEVER_BEFORE)}: name renamed }} }}")


async def compiled_after(context: Context, document: DocumentNode) -> int:
    """The first of some objects that was not interpreted."""
    for objects in range(1, 12):
        context.interpreted.clear()  # type: ignore[attr-defined]
        await outcome(context, GRAPH, document, {"box": box})
        if "Box.name" not in context.interpreted:  # type: ignore[attr-defined]
            return objects
    return 0


async def a_selection_is_compiled_once_it_is_worthwhile(subject: Subject) -> None:
    context, document = subject.context(threshold=4), unknown()
    assert await compiled_after(context, document) == 4
    assert await compiled_after(context, document) == 1


async def what_another_document_had_compiled_is_compiled_early(subject: Subject) -> None:
    context, text = subject.context(threshold=8), print_ast(unknown())
    assert [await compiled_after(context, parse(text)) for _ in range(2)] == [8, 2]


async def a_list_counts_all_its_objects_at_once(subject: Subject) -> None:
    for threshold, kind in itertools.product((3, 4), (list, tuple)):
        context = subject.context(threshold=threshold)
        document = parse(f"{{ many {{ never{next(NEVER_BEFORE)}: id }} }}")
        await outcome(context, GRAPH, document, {"box": a_box(many=kind([leaves()] * 3))})
        assert ("Leaves.id" in context.interpreted) == (threshold > 3)  # type: ignore[attr-defined]


async def what_will_not_compile_is_tried_once(subject: Subject) -> None:
    """Subfields are collected twice in each execution, and once in the try to compile."""
    context, document = subject.context(threshold=1), parse("{ box { leaves { id } nonsense } }")
    collected: list[int] = []

    class Collecting(context):  # type: ignore[misc,valid-type]
        def collect_subfields(self, *args: Any) -> Any:
            collected.append(1)
            return super().collect_subfields(*args)

    for _ in range(3):
        await outcome(Collecting, GRAPH, document, {"box": box})
    assert len(collected) == 3 * 2 + 1


async def conditions_select_their_own_plan(subject: Subject) -> None:
    fields = "name renamed @skip(if: $p) leaves { id text @include(if: $p) } shout(times: $n)"
    document = parse(f"query($p: Boolean!, $n: Int) {{ boxes {{ {fields} }} }}")
    context = subject.context(threshold=1)
    for turn, p in enumerate((True, False, True, False)):
        await subject.same(document, box, {"p": p, "n": turn}, context=context)
    assert len(context.cache) == 2  # type: ignore[attr-defined]


async def a_condition_without_a_value_is_an_error(subject: Subject) -> None:
    for variables in ({}, {"p": None}, {"p": True}):
        await subject.same("query($p: Boolean) { boxes { name leaves { id @include(if: $p) } } }", box, variables)


async def fragments_are_those_of_the_document(subject: Subject) -> None:
    context = subject.context(threshold=1)
    for name in ("text", "id", "kind"):
        fragments = f"fragment B on Box {{ leaves {{ {name} at }} }} fragment F on Leaves {{ {name} }}"
        text = f"{{ boxes {{ ...B leaves {{ ...F }} }} }} {fragments}"
        assert await subject.same(text, box, context=context) == ["Query.boxes"]


async def a_selection_is_known_by_all_its_nodes(subject: Subject) -> None:
    fragments = "fragment F on Box { name }"
    assert (
        await subject.same(f"{{ a: box {{ ...F }} b: box {{ ...F renamed }} }} {fragments}", box) == ["Query.box"] * 2
    )


async def a_document_lives_as_long_as_its_plans(subject: Subject) -> None:
    """Otherwise another one might get its memory, and so the id by which the plans are found."""
    context = subject.context(threshold=1, max_bytes=await room(subject, 1))
    document = parse(NAMES)
    await subject.same(document, box, context=context)
    reference = weakref.ref(document)
    del document
    gc.collect()
    assert reference() is not None
    await subject.same("{ boxes { renamed } }", box, context=context)
    gc.collect()
    assert reference() is None


async def an_operation_ends_with_its_answer(subject: Subject) -> None:
    """What it has read is freed at once, and not when garbage is collected, which under load is too late."""
    alive: list[weakref.ref[Any]] = []

    class Counted(subject.context(threshold=1)):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            alive.append(weakref.ref(self))

    value = Ways(boxes=lambda: [box(), box()])
    gc.collect()
    gc.disable()
    try:
        await outcome(Counted, GRAPH, parse("{ boxes { name quick many { text } later { text } } }"), value)
        assert [each() for each in alive] == [None]
    finally:
        gc.enable()


async def resolvers_have_the_helpers_of_graphql_core(subject: Subject) -> None:
    async def number(value: int) -> int:
        return value

    async def resolve(_: Any, info: GraphQLResolveInfo[Any]) -> int:
        info.async_helpers.track([number(3)])
        return sum(await info.async_helpers.gather([number(1), number(2)]))

    schema = GraphQLSchema(GraphQLObjectType("Query", {"sum": GraphQLField(GraphQLInt, resolve=resolve)}))
    result = await outcome(subject.context(), schema, parse("{ sum }"), {})
    assert result == await outcome(STOCK, schema, parse("{ sum }"), {})
    assert "'sum': 3" in result[0]


async def documents_may_share_nodes(subject: Subject) -> None:
    context = subject.context(threshold=1)
    (operation,) = parse("{ boxes { leaves { ...L } } }").definitions
    for name in ("text", "id"):
        fragments = parse(f"fragment L on Leaves {{ {name} }}").definitions
        await subject.same(DocumentNode(definitions=(operation, *fragments)), box, context=context)


async def plans_are_kept_for_the_documents_used_last(subject: Subject) -> None:
    context = subject.context(threshold=1, max_bytes=await room(subject, 2))
    documents = [parse(NAMES) for _ in range(3)]
    for document in documents:
        await subject.same(document, box, context=context)
        assert len(context.cache) <= 2  # type: ignore[attr-defined]
    for document, kept in ((documents[2], True), (documents[1], True), (documents[0], False)):
        context.interpreted.clear()  # type: ignore[attr-defined]
        await outcome(context, GRAPH, document, {"boxes": lambda: []})
        plans = context.cache.of(document, ())  # type: ignore[attr-defined]
        assert any(slot.plan for slot in plans.values()) == kept


async def what_plans_hold_stays_within_its_bytes(subject: Subject) -> None:
    """Of documents that nobody sends again, with names that nobody chose before: nodes, places and code are counted.

    None of these takes as much as all may: a larger block is the interpreter's table of interned strings, grown.
    """
    most, boxes = 200_000, {"boxes": lambda: [box(), box()]}
    context = subject.context(threshold=1, max_bytes=most)
    tracemalloc.start()
    try:
        for turn in range(25):
            names = " ".join(f"k{next(NEVER_BEFORE)}x{turn}: name" for _ in range(20))
            await outcome(context, GRAPH, parse(f"{{ boxes {{ {names} }} }}"), boxes)
        gc.collect()
        taken = tracemalloc.take_snapshot().filter_traces(OF_PLANS)
    finally:
        tracemalloc.stop()
    assert sum(trace.size for trace in taken.traces if trace.size <= most) <= most
    assert len(context.cache) > 1  # type: ignore[attr-defined]
    await subject.same(NAMES, box, context=subject.context(threshold=1, max_bytes=100))


async def what_is_compiled_is_weighed_with_its_document(subject: Subject) -> None:
    """There is room for two documents that have no plans yet, and for one that has."""
    context, texts = subject.context(threshold=1), [print_ast(unknown()) for _ in range(2)]
    document = parse(texts[0])
    plans = context.cache.of(document, ())  # type: ignore[attr-defined]
    before = plans.size
    await outcome(context, GRAPH, document, {"box": box})
    assert plans.size > before + sum(slot.plan.size for slot in plans.values() if slot.plan)
    most = (before + plans.size) * MODULES_SHARE // (MODULES_SHARE - 1)
    small = subject.context(threshold=1, max_bytes=most)
    for text in texts:
        await outcome(small, GRAPH, parse(text), {"box": box})
    assert len(small.cache) == 1  # type: ignore[attr-defined]


async def room(subject: Subject, documents: int) -> int:
    """For the plans of so many documents like NAMES, and of half another one."""
    context, document = subject.context(threshold=1), parse(NAMES)
    await subject.same(document, box, context=context)
    size = context.cache.of(document, ()).size  # type: ignore[attr-defined]
    return int((documents + 0.5) * size * MODULES_SHARE / (MODULES_SHARE - 1))


async def a_selection_too_large_is_compiled_in_part(subject: Subject) -> None:
    """500 fields at most; by repeating fragments under new aliases a short text may ask for any number."""
    many = " ".join(f"a{number}: text" for number in range(500))
    assert await subject.same(f"{{ box {{ many {{ {many} }} }} }}", with_many()) == ["Query.box", "Box.many"]
    resolved = await subject.same(f"{{ box {{ many {{ {many} x: id y: id }} }} }}", with_many())
    assert resolved == ["Query.box", "Box.many", *["Leaves.id"] * 6]
    doubling = " ".join(
        f"fragment F{n} on Box {{ a: child {{ ...F{n + 1} }} b: child {{ ...F{n + 1} }} }}" for n in range(30)
    )
    await subject.same(f"{{ boxes {{ ...F0 }} }} {doubling} fragment F30 on Box {{ name }}", box)


async def deferred_parts_are_projected(subject: Subject) -> None:
    text = '{ box { name ... @defer { renamed leaves { id } many { text } } ... @defer(label: "b") { shout } } }'
    assert await subject.same(text, box) == ["Query.box", "Box.shout"]
    text = "{ box { name ...F @defer } } fragment F on Box { many { text ... @defer { at } } leaves { id } }"
    assert await subject.same(text, box) == ["Query.box", "Box.many"]
    assert await subject.same("{ box { many { text } ... @defer { many { at } } } }", box) == ["Query.box", "Box.many"]
    assert await subject.same("{ ... @defer { box { name } } boxes { name } }", box) == ["Query.boxes", "Query.box"]


async def a_plan_holds_deferred_or_not(subject: Subject) -> None:
    """Spread after itself, F is not deferred again; within a deferred fragment it is, with nothing to deliver."""
    fragments = 'fragment G on Box { leaves { ...F ...F @defer(label: "f") } } fragment F on Leaves { id }'
    for one, other in (("...G", "... @defer { ...G }"), ("... @defer { ...G }", "...G")):
        await subject.same(f"{{ a: box {{ {one} }} b: box {{ {other} }} }} {fragments}", box)


async def arguments_of_fragments_are_left_to_graphql_core(subject: Subject) -> None:
    text = "{ boxes { ...F(n: 2) many { ...L(at: true) } } } fragment F($n: Int!) on Box { name shout(times: $n) }"
    text += " fragment L($at: Boolean!) on Leaves { id at @include(if: $at) }"
    resolved = await subject.same(parse(text, experimental_fragment_arguments=True), box)
    assert set(resolved) == {"Query.boxes", "Box.name", "Box.shout", "Box.many", "Leaves.id", "Leaves.at"}


async def what_deferred_fragments_share_is_delivered_as_graphql_core_does(subject: Subject) -> None:
    parts = ("leaves { id }", "leaves { text id }", "many { text }", 'leaves { ... @defer(label: "n") { at } }', "name")
    for one, other in itertools.product(parts, parts):
        await subject.same(f'{{ box {{ {one} ... @defer(label: "o") {{ {other} name }} }} }}', box)
        await subject.same(f"{{ box {{ ...G @defer ... {{ ...G {one} }} }} }} fragment G on Box {{ {other} }}", box)
        await subject.same(
            f'{{ box {{ ... @defer(label: "a") {{ {one} }} ... @defer(label: "b") {{ {other} }} }} }}', box
        )


async def streamed_lists_are_streamed(subject: Subject) -> None:
    for count in (0, 1, 5):
        stream = f"@stream(initialCount: {count})"
        await subject.same(f"{{ boxes {stream} {{ name many {{ text }} }} }}", box)
        await subject.same(f"{{ box {{ name many {stream} {{ text }} leaves {{ id tags {stream} }} }} }}", box)
        await subject.same(f"{{ boxes {{ name leaves {{ id kinds {stream} }} many {stream} {{ id }} }} }}", box)


async def entities_are_projected(subject: Subject) -> None:
    entities = '_entities(representations: [{__typename: "Box", name: "a"}])'
    text = f"{{ {entities} {{ ... on Box {{ name many {{ text }} shout }} }} }}"
    assert await subject.same(text, box) == ["Query._entities", "Box.shout"]


async def each_event_of_a_subscription_is_projected(subject: Subject) -> None:
    resolved = await subject.same("subscription { box { name many { text } shout } }", box)
    assert resolved == ["Subscription.box", "Box.shout"] * 3


async def a_subscription_keeps_no_selections_of_past_events(subject: Subject) -> None:
    kept: list[int] = []

    class Counted(subject.context(threshold=1)):  # type: ignore[misc]
        def execute_fields(self, *args: Any) -> Any:
            kept.append(len(self.slots))
            return super().execute_fields(*args)

    await outcome(Counted, GRAPH, parse("subscription { box { name } }"), {"boxes": lambda: [box()] * 50})
    assert len(kept) == 100
    assert max(kept) <= 2


async def mutations_are_projected(subject: Subject) -> None:
    assert await subject.same("mutation { boxes { name many { text } } }", box) == ["Mutation.boxes"]


class Upper(SchemaExtension):
    """Sees every field, so nothing may be projected past it."""

    def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
        value = _next(root, info, *args, **kwargs)
        return value.upper() if isinstance(value, str) else value


def schema_with(extension: type[SchemaExtension], context: Context) -> Schema:
    return Schema(
        Query, config=CONFIG, extensions=[extension], execution_context_class=context, federation_version="2.9"
    )


async def an_extension_that_resolves_sees_every_field(subject: Subject) -> None:
    schema = schema_with(Upper, subject.context(threshold=1))
    result: Any = await schema.execute(NAMES, context_value={"boxes": lambda: [box(), box()]})
    assert result.data == {"boxes": [{"name": "N"}, {"name": "N"}]}


async def a_schema_s_own_operations_are_projected(subject: Subject) -> None:
    """They come with a middleware manager, if an empty one."""
    context = subject.context(threshold=1)
    await schema_with(MaskErrors, context).execute(NAMES, context_value={"boxes": lambda: [box(), box()]})
    assert context.interpreted == ["Query.boxes"]  # type: ignore[attr-defined]


async def an_operation_that_can_not_start_is_refused_as_ever(subject: Subject) -> None:
    await subject.same("query($n: Int!) { box { shout(times: $n) } }", box)
    await subject.same("query A { box { name } } query B { box { name } }", box)


async def errors_are_masked_as_ever(subject: Subject) -> None:
    answers = []
    for context in (STOCK, subject.context(threshold=1)):
        schema = schema_with(MaskErrors, context)
        value = {"boxes": lambda: [box(), box(leaves=leaves(text=None)), box(plain=LookupError("secret"))]}
        result: Any = await schema.execute(f"{{ boxes {{ renamed leaves {{ {LEAVES} }} }} }}", context_value=value)
        answers.append((result.data, [error.formatted for error in result.errors]))
    assert answers[0] == answers[1]
    assert "secret" not in str(answers[1])


RULES: list[Rule] = [
    one_odd_object_costs_no_other_its_plan,
    a_selection_is_compiled_once_it_is_worthwhile,
    what_another_document_had_compiled_is_compiled_early,
    a_list_counts_all_its_objects_at_once,
    what_will_not_compile_is_tried_once,
    conditions_select_their_own_plan,
    a_condition_without_a_value_is_an_error,
    fragments_are_those_of_the_document,
    a_selection_is_known_by_all_its_nodes,
    a_document_lives_as_long_as_its_plans,
    an_operation_ends_with_its_answer,
    resolvers_have_the_helpers_of_graphql_core,
    documents_may_share_nodes,
    plans_are_kept_for_the_documents_used_last,
    what_plans_hold_stays_within_its_bytes,
    what_is_compiled_is_weighed_with_its_document,
    a_selection_too_large_is_compiled_in_part,
    deferred_parts_are_projected,
    a_plan_holds_deferred_or_not,
    arguments_of_fragments_are_left_to_graphql_core,
    what_deferred_fragments_share_is_delivered_as_graphql_core_does,
    streamed_lists_are_streamed,
    entities_are_projected,
    each_event_of_a_subscription_is_projected,
    a_subscription_keeps_no_selections_of_past_events,
    mutations_are_projected,
    an_extension_that_resolves_sees_every_field,
    a_schema_s_own_operations_are_projected,
    an_operation_that_can_not_start_is_refused_as_ever,
    errors_are_masked_as_ever,
]
