"""Mutants of `gateway.execution`: its source text with one change, loaded under another name.

Left out are changes that only cost time, such as coercing what needs no coercion.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType, ModuleType

from gateway import execution
from tests.execution import rules as r
from tests.execution import rules_of_partial as q
from tests.execution import rules_of_plans as p
from tests.execution import rules_of_projection_cache as k
from tests.execution.rules import Rule

HOME = Path(execution.__file__).parent
# Each imports only earlier ones.
MODULES = (
    "leaf_values",
    "sizes",
    "partial",
    "sync_resolvers",
    "projection_cache",
    "compiler",
    "compilation_cache",
    "context",
)
ALIAS = "mutated_execution"


@cache
def source(module: str) -> str:
    return (HOME / f"{module}.py").read_text()


@cache
def code(module: str, text: str) -> CodeType:
    return compile(text.replace("gateway.execution", ALIAS), f"<{module}>", "exec")


@contextmanager
def loaded(sources: dict[str, str]) -> Iterator[ModuleType]:
    """The package made of `sources` instead of its own modules; it may be used until the context ends."""
    package = ModuleType(ALIAS)
    names = {ALIAS: package}
    sys.modules[ALIAS] = package
    try:
        for name in MODULES:
            module = ModuleType(f"{ALIAS}.{name}")
            names[module.__name__] = sys.modules[module.__name__] = module
            exec(code(name, sources.get(name, source(name))), module.__dict__)  # noqa: S102 (our own source, changed)
            vars(package).update({key: value for key, value in vars(module).items() if not key.startswith("_")})
        yield package
    finally:
        for each in names:
            del sys.modules[each]


@dataclass(frozen=True)
class Mutant:
    """In `module`, `old` stands once and becomes `new`; `killer` is a rule that this must break."""

    module: str
    old: str
    new: str
    killer: Rule

    def sources(self) -> dict[str, str]:
        text = source(self.module)
        assert text.count(self.old) == 1, f"{self.old!r} stands {text.count(self.old)} times in {self.module}"
        return {self.module: text.replace(self.old, self.new)}


def mutants(module: str, *changes: tuple[str, str, Rule]) -> list[Mutant]:
    return [Mutant(module, old, new, killer) for old, new, killer in changes]


ODD_LEAF = r.an_odd_leaf_is_reported_by_graphql_core
MOMENT = r.a_moment_of_ones_own_is_completed_by_graphql_core
BESIDE = r.resolvers_beside_plain_fields_are_left_to_graphql_core
READER = r.sources_are_read_by_the_schema_s_own_reader
LOST = q.what_an_object_lost_is_told_beside_what_it_has
EXACT = q.an_integer_that_all_can_read_is_one
WHOLE = r.plain_objects_are_projected_whole
UNUSUAL = r.fields_resolved_in_an_unusual_way_are_left_to_graphql_core
COUNT = p.a_list_counts_all_its_objects_at_once
WORTH = p.a_selection_is_compiled_once_it_is_worthwhile
KNOWN = p.what_another_document_had_compiled_is_compiled_early
TRIED = p.what_will_not_compile_is_tried_once
TOLD = r.a_moment_is_told_as_python_tells_it
SYNCHRONOUS = r.a_synchronous_resolver_is_called_by_compiled_code
FAILING = r.a_synchronous_resolver_that_fails_is_called_again_by_graphql_core
ONLY_SYNCHRONOUS = r.a_resolver_with_extensions_is_not_synchronous
HELPERS = p.resolvers_have_the_helpers_of_graphql_core
WEIGHED = p.what_is_compiled_is_weighed_with_its_document
HELD = p.what_plans_hold_stays_within_its_bytes
FORGOTTEN = k.selections_that_nobody_repeats_are_forgotten
MOST = k.of_one_list_no_more_than_its_number_of_selections_is_kept
GONE = k.of_a_list_that_its_owner_does_not_keep_nothing_is_kept
SHARED = p.what_deferred_fragments_share_is_delivered_as_graphql_core_does

MUTANTS = [
    *mutants(
        "projection_cache",
        ("            return known\n", "            pass\n", k.what_is_kept_is_read_no_more),
        ("return is_known is False", "return False", k.what_is_selected_again_is_kept_as_json),
        ("return is_known is False", "return True", k.what_is_selected_again_is_kept_as_json),
        (
            "return is_known is False",
            "return is_known is not None",
            k.more_than_there_is_room_for_does_not_push_itself_out,
        ),
        ("= is_known is not None", "= False", k.more_than_there_is_room_for_does_not_push_itself_out),
        ("if is_known is None and ", "if ", k.what_is_selected_by_many_is_kept_for_all),
        ("key = id(objects), shape", "key = id(objects)", k.another_selection_of_the_same_list_is_another),
        (
            "self._projections.pop((id(objects), shape), None)",
            "pass",
            k.a_dropped_list_leaves_nothing_to_the_next_one_with_its_id,
        ),
        ("self._shapes.pop(id(objects))", "self._shapes[id(objects)]", GONE),
        ("if _size(json) <= self._projections.maxsize:", "if True:", k.what_is_kept_stays_within_its_bytes),
        ("OVERHEAD + memoryview(json).nbytes", "OVERHEAD", k.what_is_kept_stays_within_its_bytes),
        ("del shapes[each]", "pass", FORGOTTEN),
        ("if (id(objects), one) not in self._projections]", "]", FORGOTTEN),
        (" or list(shapes)", "", MOST),
        ("                self._projections.pop((id(objects), each), None)\n", "", MOST),
        ("(str(type_), *selected)", "selected", k.the_identity_of_a_selection_is_short),
        ('"\\0".join', '"".join', k.the_identity_of_a_selection_is_short),
    ),
    *mutants(
        "partial",
        ("if isinstance(source_value, Partial):", "if False:", LOST),
        ("if count is not None:", "if count:", LOST),
        ("if definition.is_basic_field else None", "", q.what_a_resolver_makes_is_left_to_it),
        ("metadata_of(field).get(PLAIN) or ", "", q.what_is_read_by_a_resolver_as_it_is_is_told_as_well),
        ("if type(result) is Incomplete:", "if False:", q.an_incomplete_value_is_shown_and_told),
        ("if isinstance(result, Incomplete):", "if False:", q.an_incomplete_value_is_shown_and_told),
        (
            "errors.append(located_error(problem, [detail.node for detail in details], path.as_list()))",
            "self.collected_errors.add(located_error(problem, [details[0].node], path.as_list()), path)",
            q.what_is_below_an_incomplete_list_is_told_too,
        ),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 99", q.no_more_is_told_than_anybody_reads),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 101", q.no_more_is_told_than_anybody_reads),
        ("len(errors) > MOST_REPORTED", "False", q.no_more_is_told_than_anybody_reads),
    ),
    *mutants(
        "compiler",
        ("self.projections is not None and ", "", k.without_room_for_it_nothing_is_kept),
        (" and self.readers == readers:", ":", k.what_a_resolver_says_is_asked_each_time),
        ("            self.readers += 1\n", "", k.what_a_resolver_says_is_asked_each_time),
        ("shape_of(type_, selected)", "shape_of(0, selected)", k.the_same_list_under_another_type_is_another),
        ("shape_of(type_, selected)", "shape_of(type_, ())", k.another_selection_of_the_same_list_is_another),
        ("+= (key, details[0].node.name.value)", "+= (key,)", k.another_selection_of_the_same_list_is_another),
        (
            "+= (key, details[0].node.name.value)",
            "+= (details[0].node.name.value,)",
            k.another_selection_of_the_same_list_is_another,
        ),
        (" and len({v}) >= {MIN_LENGTH}", "", k.only_long_lists_that_last_are_kept),
    ),
    *mutants(
        "leaf_values",
        ('GraphQLString: "type({v}) is str"', 'GraphQLString: "type({v}) in (str, int)"', ODD_LEAF),
        ('GraphQLID: "type({v}) is str"', 'GraphQLID: "type({v}) in (str, int)"', ODD_LEAF),
        ("type({v}) is bool", "type({v}) in (bool, int)", ODD_LEAF),
        ("type({v}) is int and", "isinstance({v}, int) and", ODD_LEAF),
        ("-2147483648 <=", "-2147483649 <=", ODD_LEAF),
        ("<= 2147483647", "<= 2147483648", ODD_LEAF),
        ("-1e999 < {v} <", "{v} <", ODD_LEAF),
        ("< {v} < 1e999", "< {v}", ODD_LEAF),
        ("-1e999 < {v} < 1e999", "{v} not in (1e999, -1e999)", ODD_LEAF),
        ("frozenset({list, tuple,", "frozenset({tuple,", WHOLE),
        ("frozenset({list, tuple,", "frozenset({list,", WHOLE),
        ("tuple, SharedTuple})", "tuple})", k.what_is_selected_again_is_kept_as_json),
        ("        str, int, float,", "        type(None), str, int, float,", ODD_LEAF),
        ("value is None or ", "", ODD_LEAF),
        ("value is Undefined or ", "", ODD_LEAF),
        ("isinstance(value, Exception) or ", "", ODD_LEAF),
        (' or hasattr(value, "__next__")', "", r.an_iterator_is_not_used_up_by_a_try_that_fails),
        ("if is_awaitable(value):", "if False:", ODD_LEAF),
        ('hasattr(kind, "__getattr__") or ', "", r.an_object_must_be_one),
        ("issubclass(kind, Partial | Incomplete)", "issubclass(kind, Incomplete)", LOST),
        ("type({{v}}) is int and", "isinstance({{v}}, int) and", EXACT),
        ("<= {{v}} <= {EXACT}", "<= {{v}} <= {EXACT + 1}", EXACT),
        ("{-EXACT} <=", "{-EXACT - 1} <=", EXACT),
        ("type(value) is int and -EXACT", "isinstance(value, int) and -EXACT", EXACT),
        ("-EXACT <= value <= EXACT", "-EXACT <= value", EXACT),
        ("-EXACT <= value <= EXACT", "value <= EXACT", EXACT),
        ("check_plain(source)", "pass", r.an_object_must_be_one),
        ("check_plain(coerced)", "pass", ODD_LEAF),
        ("if type(value) not in SAFE_TYPES:", "if False:", ODD_LEAF),
        ("member: type_.coerce_output_value(member) for", "member: member.name for", WHOLE),
    ),
    *mutants(
        "partial",
        ("if isinstance(source_value, Partial):", "if False:", LOST),
        ("if count is not None:", "if count:", LOST),
        ("if definition.is_basic_field else None", "", q.what_a_resolver_makes_is_left_to_it),
        ("metadata_of(field).get(PLAIN) or ", "", q.what_is_read_by_a_resolver_as_it_is_is_told_as_well),
        ("if type(result) is Incomplete:", "if False:", q.an_incomplete_value_is_shown_and_told),
        ("if isinstance(result, Incomplete):", "if False:", q.an_incomplete_value_is_shown_and_told),
        (
            "errors.append(located_error(problem, [detail.node for detail in details], path.as_list()))",
            "self.collected_errors.add(located_error(problem, [details[0].node], path.as_list()), path)",
            q.what_is_below_an_incomplete_list_is_told_too,
        ),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 99", q.no_more_is_told_than_anybody_reads),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 101", q.no_more_is_told_than_anybody_reads),
        ("len(errors) > MOST_REPORTED", "False", q.no_more_is_told_than_anybody_reads),
    ),
    *mutants(
        "compiler",
        ("LARGEST = 500", "LARGEST = 499", p.a_selection_too_large_is_compiled_in_part),
        ("LARGEST = 500", "LARGEST = 501", p.a_selection_too_large_is_compiled_in_part),
        ("if not is_static(details):", "if False:", p.streamed_lists_are_streamed),
        ("> LARGEST or not is_static(details):", "> LARGEST:", p.streamed_lists_are_streamed),
        ("detail.fragment_variable_values or any", "any", p.arguments_of_fragments_are_left_to_graphql_core),
        ("type(definition) is not StrawberryField or ", "", UNUSUAL),
        (" or not definition.is_basic_field", "", r.a_permission_is_asked_for),
        ('if not getattr(field.resolve, "_is_default", False):', "if False:", UNUSUAL),
        ("if isinstance(type_, GraphQLNonNull):", "if True:", WHOLE),
        (
            '(None if {v} is None else {self.non_null(type_, v, details)})"',
            '{self.non_null(type_, v, details)}"',
            WHOLE,
        ),
        ("return self.non_null(type_.of_type, v, details)", "return self.value(type_.of_type, v, details)", ODD_LEAF),
        ("({items} if type({v}) in lists else deoptimize())", "{items}", ODD_LEAF),
        ("if {condition.format(v=v)} else {coerced}", "if True else {coerced}", ODD_LEAF),
        ("if type({v}) is {self.bind(known)} else {coerced}", "if True else {coerced}", MOMENT),
        (
            "if type({v}) is {self.bind(members)} else {coerced}",
            "if True else {coerced}",
            r.raw_enum_values_are_projected,
        ),
        ("if collected.new_defer_usages:", "if False:", p.deferred_parts_are_projected),
        ("*self.type_check(type_), ", "", r.an_object_must_be_of_its_type),
        ("if type_.extensions[DEFINITION].is_type_of:", "if False:", r.an_author_s_judgement_of_types_is_asked_for),
        ("if not {self.bind(type_.is_type_of)}", "if {self.bind(type_.is_type_of)}", r.an_object_must_be_of_its_type),
        ('"if type(o) not in known: register_class(known, o)"', '"pass"', r.an_object_must_be_one),
        ("if not partly:", "if True:", BESIDE),
        ("if not partly:", "if False:", BESIDE),
        ("rest.append(key)", "pass", BESIDE),
        ("response.append(f", "response.insert(0, f", WHOLE),
        ("return [], repr(type_.name)", "return [], repr(name)", WHOLE),
        ("{key!r}: {expression}", "{details[0].node.name.value!r}: {expression}", WHOLE),
        ("resolver is getattr and ", "", READER),
        ("name.isascii() and ", "", READER),
        ("name.isidentifier() and ", "", READER),
        (" and not keyword.iskeyword(name)", "", READER),
        ("definition.python_name", "field_name(definition)", WHOLE),
    ),
    *mutants(
        "partial",
        ("if isinstance(source_value, Partial):", "if False:", LOST),
        ("if count is not None:", "if count:", LOST),
        ("if definition.is_basic_field else None", "", q.what_a_resolver_makes_is_left_to_it),
        ("metadata_of(field).get(PLAIN) or ", "", q.what_is_read_by_a_resolver_as_it_is_is_told_as_well),
        ("if type(result) is Incomplete:", "if False:", q.an_incomplete_value_is_shown_and_told),
        ("if isinstance(result, Incomplete):", "if False:", q.an_incomplete_value_is_shown_and_told),
        (
            "errors.append(located_error(problem, [detail.node for detail in details], path.as_list()))",
            "self.collected_errors.add(located_error(problem, [details[0].node], path.as_list()), path)",
            q.what_is_below_an_incomplete_list_is_told_too,
        ),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 99", q.no_more_is_told_than_anybody_reads),
        ("MOST_REPORTED = 100", "MOST_REPORTED = 101", q.no_more_is_told_than_anybody_reads),
        ("len(errors) > MOST_REPORTED", "False", q.no_more_is_told_than_anybody_reads),
    ),
    *mutants(
        "compiler",
        ("if {v}.tzinfo is {self.bind(UTC)} else", "if {v}.tzinfo else", TOLD),
        ("if {v}.tzinfo is {self.bind(UTC)} else", "if True else", TOLD),
        ("if sync and self.sync and", "if self.sync and", r.no_plan_begins_with_a_synchronous_resolver),
        (" and is_sync(definition):", ":", ONLY_SYNCHRONOUS),
        ("if sync and self.sync and", "if False and", SYNCHRONOUS),
    ),
    *mutants(
        "sync_resolvers",
        ("not definition.metadata.get(SYNC) or ", "", ONLY_SYNCHRONOUS),
        (" or definition.extensions:", ":", ONLY_SYNCHRONOUS),
        ("ResolverInfo(context.non_blocking(), executor)", "ResolverInfo(context, executor)", FAILING),
        ("place = id(node)", "place = 0", SYNCHRONOUS),
        ("{**known, **dict.fromkeys(sources, source)}", "dict.fromkeys(sources, source)", SYNCHRONOUS),
        ("(resolver.parent_parameter, resolver.root_parameter)", "(resolver.root_parameter,)", SYNCHRONOUS),
        ("(resolver.parent_parameter, resolver.root_parameter)", "(resolver.parent_parameter,)", SYNCHRONOUS),
        ("if info is not None:", "if False:", SYNCHRONOUS),
        ("if positional else resolve(**given)", "if False else resolve(**given)", SYNCHRONOUS),
        ("resolver_info.variables, hide", "None, hide", SYNCHRONOUS),
    ),
    *mutants(
        "compilation_cache",
        ("if before < self.threshold <= self.count:", "if before < self.threshold < self.count:", WORTH),
        ("if before < self.threshold <= self.count:", "if before <= self.threshold <= self.count:", TRIED),
        ("if before < self.threshold <= self.count:", "if self.threshold <= self.count:", TRIED),
        ("elif before < INITIAL_EXECUTIONS <= self.count < self.threshold:", "elif False:", KNOWN),
        (
            "before < INITIAL_EXECUTIONS <= self.count < self.threshold",
            "before < INITIAL_EXECUTIONS <= self.count",
            TRIED,
        ),
        (
            "elif before < INITIAL_EXECUTIONS <= self.count <",
            "elif INITIAL_EXECUTIONS <= self.count + 1 <",
            KNOWN,
        ),
        ("compile_plan, only_known=True", "compile_plan, only_known=False", WORTH),
        ("compile_plan, only_known=False", "compile_plan, only_known=True", WORTH),
        ("self.count + objects", "self.count + 1", COUNT),
        ("with suppress(Exception):", "with suppress(KeyError):", SHARED),
        ("self.document = document", "pass", p.a_document_lives_as_long_as_its_plans),
        (
            "            max_bytes - modules, getsizeof",
            "            2 * max_bytes, getsizeof",
            p.plans_are_kept_for_the_documents_used_last,
        ),
        ("LRUCache(modules, getsizeof=", "LRUCache(10**9, getsizeof=", HELD),
        (" + EACH_TOKEN * _tokens_in(document)", "", HELD),
        ("key = id(document), ", "key = 0, ", p.documents_may_share_nodes),
        ("if type(value) is bool)", "if False)", p.conditions_select_their_own_plan),
        (" if type(value) is bool)", ")", p.conditions_select_their_own_plan),
        ("plans = self._plans.get(key)", "plans = None", WORTH),
        ("self._plans.get(key) is plans", "False", WEIGHED),
        ("if plans.size <= self._plans.maxsize:", "if True:", HELD),
        ("TierUpCounter(self.threshold)", "TierUpCounter(1)", WORTH),
    ),
    *mutants(
        "context",
        (
            "if isinstance(executor, ProjectingExecutionContext):",
            "if True:",
            p.an_operation_that_can_not_start_is_refused_as_ever,
        ),
        (
            "if self.middleware_manager is None or not self.middleware_manager.middlewares:",
            "if True:",
            p.an_extension_that_resolves_sees_every_field,
        ),
        (" or not self.middleware_manager.middlewares:", ":", p.a_schema_s_own_operations_are_projected),
        (
            'cast("ProjectingExecutionContext", executor).slots = {}',
            "pass",
            p.a_subscription_keeps_no_selections_of_past_events,
        ),
        ("        self.async_helpers = loosely_bound(self)\n", "", p.an_operation_ends_with_its_answer),
        ("gather_async_work(awaitables)", "track_async_work(awaitables)", HELPERS),
        ("track_async_work(values)", "no_work(values)", HELPERS),
        ("grouped_field_set, 1, compile_object", "grouped_field_set, 0, compile_object", WORTH),
        (" or response is None:", ":", ODD_LEAF),
        ("if not plan.rest:", "if plan.rest:", BESIDE),
        ("for key in plan.rest}", "for key in grouped_field_set}", BESIDE),
        ("            response.update(others)\n            return response", "            return response", BESIDE),
        ("    response.update(await others)\n", "    await others\n", BESIDE),
        ("return filled(response, others)", "return others", BESIDE),
        ("if type(result) in LISTS:", "if False:", COUNT),
        ("len(result), compile_list", "1, compile_list", COUNT),
        (" or any(detail.defer_usage is not fragment for detail in details):", ":", SHARED),
        ("if self.plans is None or ", "if ", p.an_extension_that_resolves_sees_every_field),
        ("self.plans.grow(plan.size)", "pass", WEIGHED),
        ("self.plans.slot(type_, ", "self.plans.slot(0, ", r.abstract_types_are_resolved_by_graphql_core),
        (
            "tuple(id(detail.node) for detail in details))",
            "(id(details[0].node),))",
            p.a_selection_is_known_by_all_its_nodes,
        ),
        ("    except Exception:", "    except ZeroDivisionError:", ODD_LEAF),
    ),
]
