"""What an operation may cost to execute, by the directives of the schema: refused before anything is bought.

The semantics are those of IBM's specification of GraphQL cost directives: a field that gives objects weighs 1 and a
leaf 0, unless `@cost` says otherwise; a list multiplies what it holds by its size, which `@listSize` tells: the largest
of its slicing arguments, or else the assumed size; it goes to the `sizedFields` below, where these are named. A list
that is asked for by a list of keys is as long as that.

Two more figures are measured along with it: what the names in the answer take, as each entry of a list repeats them,
and what executing takes. The keys are counted as well, over the whole operation: planning is linear in them.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLDeferDirective,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLStreamDirective,
    ListValueNode,
    NullValueNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_operation_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities import value_from_ast_untyped
from strawberry.federation.schema_directives import Cost, ListSize

from gateway.errors import TooComplex
from gateway.execution.leaf_values import DEFINITION, PLAIN, metadata_of
from gateway.execution.sizes import LARGEST
from gateway.operations.limits import COUNTABLE, LIMITS
from gateway.planner.keys import Keys
from gateway.planner.selection import EDGE
from schema.media_urls import PROXIED

# Objects in the whole answer.
LARGEST_ANSWER = 100_000
# Tenths of a microsecond of the event loop.
MOST_WORK = 2_500_000
# Keys in one argument: each is a question of its own.
LONGEST_LIST = 1_000

D = TypeVar("D")


class Amount(NamedTuple):
    """What a part of an answer takes of each figure that is limited."""

    cost: int = 0
    bytes: int = 0
    work: int = 0

    def plus(self, other: Amount) -> Amount:
        return Amount(self.cost + other.cost, self.bytes + other.bytes, self.work + other.work)

    def times(self, count: int) -> Amount:
        return Amount(count * self.cost, count * self.bytes, count * self.work)


MOST = Amount(LARGEST_ANSWER, LARGEST, MOST_WORK)
TOO_MUCH = {
    "cost": "The answer could be too large: it may cost {value}, and may {most}.",
    "bytes": "The answer could be too large: its names alone may take {value} bytes, and all of it may {most}.",
    "work": "The operation could take too long to execute: its work may be {value}, and may {most}.",
}
# Bytes beside a field's name: two quotation marks, colon, comma. Of an entry: two braces, comma; of a leaf one digit.
PUNCTUATION, BRACES, DIGIT = 4, 3, 1
# Work, as measured: an object and a leaf that compiled code reads; what a resolver takes more, of an object and of a
# leaf; a link to a medium that is signed; a fragment and an entry that are delivered on their own.
OBJECT, LEAF = 15, 4
RESOLVED, RESOLVED_LEAF = 80, 30
LINKED = 100
DEFERRED, STREAMED = 1_000, 250
# Of lists whose size nothing tells, of mentions and the like, so many are empty for each entry.
SPARSE = 4
# What a schema is asked about itself by, and the types of the answers.
QUESTIONS = {"__schema": "__Schema", "__type": "__Type"}
# What a selection takes of each figure: by the field whose size multiplies it, if the field above tells one.
Costs: TypeAlias = dict[str | None, Amount]


def check_cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any] | None,
    keys: Keys | None = None,
) -> None:
    """`document` is valid. Raises a GraphQLError for TooComplex that shows the field which costs most.

    It looks at variables as they were sent, so that they need not be coerced where there are too many. `keys` are those
    of the other operations in the same batch; the operation's own are added to them.
    """
    operation = get_operation_ast(document, operation_name)
    root = None if operation is None else schema.get_root_type(operation.operation)
    if operation is None or root is None:
        return
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
        if node.default_value
    }
    meter = _Meter(schema, document, {**defaults, **(variables or {})})
    total = _total(meter.measure(operation.selection_set, root.name))
    _count_keys(meter.keys(operation.selection_set, root.name), keys or Keys())
    for at, (figure, most, value) in enumerate(zip(Amount._fields, MOST, total, strict=True)):
        if value > most:
            message = TOO_MUCH[figure].format(value=min(value, COUNTABLE), most=most)
            message += " Lower `first`, or ask in several operations."
            raise _refusal(message, figure, most, value, meter.dearest(operation.selection_set, root.name, at))


def _total(costs: Costs) -> Amount:
    return functools.reduce(Amount.plus, costs.values(), Amount())


def _add(costs: Costs, others: Costs) -> None:
    for key, amount in others.items():
        costs[key] = costs[key].plus(amount) if key in costs else amount


def _count_keys(asked: Mapping[str, tuple[int, FieldNode]], keys: Keys) -> None:
    """`asked`: how many keys each root field asks for. Raises a GraphQLError that shows the one with most of them."""
    most, count = LIMITS["keys"], keys.count + sum(own for own, _ in asked.values())
    if count > most:
        message = f"Too much is asked for at once ({count} keys, at most {most} in all). Ask in several requests."
        _, node = max(asked.values(), key=lambda one: one[0])
        raise _refusal(message, "keys", most, count, node)
    keys.count = count


class _Meter:
    """Measures each fragment once, however often it is spread."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self.schema = schema
        self.variables = variables
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.known: dict[str, Costs] = {}

    def measure(self, selections: SelectionSetNode, parent: str) -> Costs:
        costs: Costs = {}
        for node in selections.selections:
            if isinstance(node, FieldNode):
                _add(costs, self.field(node, parent))
                continue
            if self._is_on(node, GraphQLDeferDirective.name):
                _add(costs, {None: Amount(work=DEFERRED)})
            if isinstance(node, FragmentSpreadNode):
                _add(costs, self.fragment(node.name.value))
            else:
                condition = getattr(node, "type_condition", None)
                _add(costs, self.measure(node.selection_set, condition.name.value if condition else parent))  # type: ignore[attr-defined]
        return costs

    def fragment(self, name: str) -> Costs:
        if name not in self.known:
            node = self.fragments[name]
            self.known[name] = self.measure(node.selection_set, node.type_condition.name.value)
        return self.known[name]

    def field(self, node: FieldNode, parent: str) -> Costs:
        if node.selection_set is not None and (parent.startswith("__") or node.name.value in QUESTIONS):
            return {None: self._introspected(node, node.selection_set, parent)}
        field = self._field(node, parent)
        name_size = PUNCTUATION + len((node.alias or node.name).value)
        if field is None or node.selection_set is None:
            cost = field and _directive(field, Cost)
            return {None: Amount(cost.weight if cost else 0, name_size + DIGIT, self._leaf_work(node, field))}
        list_size = _directive(field, ListSize)
        sized = (list_size and list_size.sized_fields) or ()
        size = self._size(node, field, list_size)
        entry = self._entry(node, field)
        for key, inner in self.measure(node.selection_set, get_named_type(field.type).name).items():
            if key is not None:
                inner = inner.times(size or 0) if key in sized else inner._replace(work=inner.work // SPARSE)
            entry = entry.plus(inner)
        if not _is_list(field.type):
            return {None: entry.plus(Amount(bytes=name_size))}
        once = Amount(bytes=name_size, work=0 if _is_plain(field) else RESOLVED)
        if sized:
            return {None: entry.plus(once)}
        if size is None:  # as long as the field above says
            return {None: once, node.name.value: entry}
        return {None: entry.times(size).plus(once)}

    def _introspected(self, node: FieldNode, selections: SelectionSetNode, parent: str) -> Amount:
        """Of the schema's own questions: they have no cost, but are executed."""
        name = node.name.value
        type_ = QUESTIONS.get(name) or get_named_type(self.schema.type_map[parent].fields[name].type).name  # type: ignore[attr-defined]
        entry = _total(self.measure(selections, type_)).plus(Amount(bytes=BRACES, work=OBJECT + RESOLVED))
        entries = self.entries.get(name, 1.0)
        once = Amount(bytes=PUNCTUATION + len((node.alias or node.name).value))
        return Amount(0, int(entries * entry.bytes), int(entries * entry.work)).plus(once)

    @functools.cached_property
    def entries(self) -> Mapping[str, float]:
        """How many entries the lists of the schema have that multiply most, on average. Most types wrap no other."""
        types = self.schema.type_map.values()
        fields = sum(len(type_.fields) for type_ in types if isinstance(type_, GraphQLObjectType))
        return {"types": len(types), "fields": fields / len(types), "ofType": 0.5}

    def _entry(self, node: FieldNode, field: GraphQLField) -> Amount:
        """What an object takes without what is selected of it: the field's own, or each of its list."""
        cost = _directive(field, Cost)
        # Each key of a root field is looked up on its own.
        is_resolved = not _is_plain(field) and (not _is_list(field.type) or EDGE in metadata_of(field))
        work = OBJECT + (RESOLVED if is_resolved else 0)
        work += STREAMED if self._is_on(node, GraphQLStreamDirective.name) else 0
        return Amount(cost.weight if cost else 1, BRACES, work)

    def _leaf_work(self, node: FieldNode, field: GraphQLField | None) -> int:
        if field is None:
            return LEAF
        if PROXIED in field.args:
            proxied = self._given(node, field, PROXIED)
            if proxied or (proxied in (None, Undefined) and field.extensions.get(PROXIED)):
                return LINKED
        return LEAF if _is_plain(field) else RESOLVED_LEAF

    def _is_on(self, node: SelectionNode, name: str) -> bool:
        """Whether the directive, `@defer` or `@stream`, stands there and is not switched off."""
        if not node.directives:
            return False
        found: DirectiveNode | None = next((one for one in node.directives if one.name.value == name), None)
        condition = next((one.value for one in (found and found.arguments) or () if one.name.value == "if"), None)
        if isinstance(condition, VariableNode):
            return found is not None and self.variables.get(condition.name.value) is not False
        return found is not None and getattr(condition, "value", True) is not False

    def keys(self, selections: SelectionSetNode, root: str) -> dict[str, tuple[int, FieldNode]]:
        """How many keys each root field asks for, by its key in the answer: selected twice it is asked for once."""
        found: dict[str, tuple[int, FieldNode]] = {}
        spread, ahead = set[str](), [selections]
        while ahead:
            for node in ahead.pop().selections:
                if isinstance(node, FieldNode):
                    found[(node.alias or node.name).value] = self._asks_for(node, root), node
                elif not isinstance(node, FragmentSpreadNode):
                    ahead.append(node.selection_set)  # type: ignore[attr-defined]
                elif node.name.value not in spread:
                    spread.add(node.name.value)
                    ahead.append(self.fragments[node.name.value].selection_set)
        return found

    def _asks_for(self, node: FieldNode, root: str) -> int:
        field = self._field(node, root)
        if field is None:
            return 0
        keys = self._keys(node, field)
        # One entity has one key.
        return int(EDGE in metadata_of(field)) if keys is None else keys

    def dearest(self, selections: SelectionSetNode, parent: str, figure: int) -> FieldNode | SelectionSetNode:
        fields = [node for node in selections.selections if isinstance(node, FieldNode)]
        return max(fields, key=lambda node: _total(self.field(node, parent))[figure], default=selections)

    def _field(self, node: FieldNode, parent: str) -> GraphQLField | None:
        """None for what belongs to the schema's own questions, which cost nothing here."""
        name = node.name.value
        return None if name.startswith("__") else self.schema.type_map[parent].fields.get(name)  # type: ignore[attr-defined]

    def _size(self, node: FieldNode, field: GraphQLField, list_size: ListSize | None) -> int | None:
        keys = self._keys(node, field)
        if keys is not None and keys > LONGEST_LIST:
            asked = f"`{node.name.value}` is asked for too much at once ({keys} keys, at most {LONGEST_LIST})."
            message = f"{asked} Ask in several requests."
            raise _refusal(message, "list", LONGEST_LIST, keys, node)
        if keys is not None and _is_list(field.type):
            return keys
        assumed = list_size.assumed_size if list_size else None
        given = [self._given(node, field, name) for name in (list_size and list_size.slicing_arguments) or ()]
        # What is no number of entries, or more than a page has, is refused in its own place, for less.
        sizes = [min(size, assumed or size) for size in given if isinstance(size, int) and size >= 0]
        return max(sizes, default=assumed)

    def _keys(self, node: FieldNode, field: GraphQLField) -> int | None:
        """How many keys the field is asked for by; None where it takes no list. A single value is a list of it."""
        given = [self._given(node, field, name) for name, argument in field.args.items() if _is_list(argument.type)]
        lengths = [len(keys) if isinstance(keys, list) else 1 for keys in given if keys not in (None, Undefined)]
        return max(lengths, default=None)

    def _given(self, node: FieldNode, field: GraphQLField, name: str) -> Any:
        """The argument's value; of a list in the document, at least its length."""
        value = next((one.value for one in node.arguments or () if one.name.value == name), None)
        if isinstance(value, VariableNode):
            value = self.variables.get(value.name.value, Undefined)
            return field.args[name].default_value if value is Undefined else value
        if isinstance(value, ListValueNode):
            return list(value.values)
        if value is None or isinstance(value, NullValueNode):
            return field.args[name].default_value
        return value_from_ast_untyped(value)


def _directive(field: GraphQLField, kind: type[D]) -> D | None:
    definition = field.extensions.get(DEFINITION)
    return next((one for one in getattr(definition, "directives", None) or () if isinstance(one, kind)), None)


def _is_plain(field: GraphQLField) -> bool:
    """Whether it is read as an attribute."""
    definition = field.extensions.get(DEFINITION)
    return PLAIN in metadata_of(field) or bool(getattr(definition, "is_basic_field", False))


def _is_list(type_: Any) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _refusal(message: str, limit: str, most: int, value: int, node: Any) -> GraphQLError:
    problem = TooComplex(message, limit=limit, most=most, value=min(value, COUNTABLE))
    return GraphQLError(problem.message, node, original_error=problem)
