"""Static cost analysis: estimate what executing an operation costs, and refuse it before anything is bought.

The semantics follow IBM's specification of GraphQL cost directives. A field that returns objects weighs 1 and a leaf
weighs 0, unless `@cost` says otherwise. A list multiplies the cost of its entries by its size. `@listSize` gives the
size: the largest slicing argument, or else the assumed size; it applies to the `sizedFields` below if these are named.
A list requested by a list of keys is as long as the list of keys.

Two more amounts are measured with the cost: the bytes of the names in the response, which each entry of a list repeats,
and the work of execution. The keys of the whole operation are counted as well, because planning is linear in them.
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

from gateway.domain.pages import LARGEST_PAGE
from gateway.errors import TooComplex
from gateway.execution.leaf_values import DEFINITION, PLAIN, metadata_of
from gateway.execution.sizes import LARGEST
from gateway.operations.limits import COUNTABLE, LIMITS
from gateway.planner.keys import Keys
from gateway.planner.selection import EDGE, WORK
from schema.media_urls import PROXIED

# Objects in the whole response.
LARGEST_ANSWER = 100_000
# Event loop time in tenths of a microsecond.
MOST_WORK = 2_600_000
# Keys in one argument: each is fetched separately.
LONGEST_LIST = 1_000

D = TypeVar("D")


class Amount(NamedTuple):
    """The cost, bytes and work of a part of a response; each total is limited."""

    cost: int = 0
    bytes: int = 0
    work: int = 0

    def plus(self, other: Amount) -> Amount:
        return Amount(self.cost + other.cost, self.bytes + other.bytes, self.work + other.work)

    def times(self, count: int) -> Amount:
        return Amount(count * self.cost, count * self.bytes, count * self.work)


MOST = Amount(LARGEST_ANSWER, LARGEST, MOST_WORK)
TOO_MUCH = {
    "cost": "The response could be too large: its cost is up to {value}; the maximum is {most}.",
    "bytes": "The response could be too large: its keys alone take up to {value} bytes; the maximum is {most} bytes.",
    "work": "The operation could take too long: its execution cost is up to {value}; the maximum is {most}.",
}
# Bytes besides a field's name: two quotation marks, colon, comma; of an entry: two braces, comma; of a leaf: one digit.
PUNCTUATION, BRACES, DIGIT = 4, 3, 1
# Work, as measured: an object and a leaf read by compiled code; the extra work of a resolver for an object and for a
# leaf; a signed media URL; a fragment and an entry that are delivered incrementally.
OBJECT, LEAF = 15, 4
RESOLVED, RESOLVED_LEAF = 80, 30
LINKED = 100
DEFERRED, STREAMED = 1_000, 250
# Divisor for lists without a known size (mentions and the like): most of these lists are empty.
SPARSE = 4
# Introspection fields of the root, and the types that they return.
QUESTIONS = {"__schema": "__Schema", "__type": "__Type"}
# Amounts of a selection, by the field whose size multiplies them; None for amounts that no size from above multiplies.
Costs: TypeAlias = dict[str | None, Amount]


def check_cost(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any] | None,
    keys: Keys | None = None,
) -> None:
    """Raise a GraphQLError for TooComplex that points at the most expensive field. `document` must be valid.

    Variables are read as they were sent, so that too many of them need not be coerced. `keys` counts the keys of the
    other operations in the same batch; the operation's own keys are added to it.
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
    meter = _CostMeter(schema, document, {**defaults, **(variables or {})})
    total = _total(meter.measure(operation.selection_set, root.name))
    _count_keys(meter.keys(operation.selection_set, root.name), keys or Keys())
    for at, (figure, most, value) in enumerate(zip(Amount._fields, MOST, total, strict=True)):
        if value > most:
            message = TOO_MUCH[figure].format(value=min(value, COUNTABLE), most=most)
            message += " Lower `first`, or split the operation."
            raise _refusal(message, figure, most, value, meter.most_expensive(operation.selection_set, root.name, at))


def _total(costs: Costs) -> Amount:
    return functools.reduce(Amount.plus, costs.values(), Amount())


def _add(costs: Costs, others: Costs) -> None:
    for key, amount in others.items():
        costs[key] = costs[key].plus(amount) if key in costs else amount


def _count_keys(requested: Mapping[str, tuple[int, FieldNode]], keys: Keys) -> None:
    """Add the numbers of keys in `requested` (one per root field). Raise a GraphQLError at the one with most."""
    most, count = LIMITS["keys"], keys.count + sum(own for own, _ in requested.values())
    if count > most:
        message = f"The request has {count} keys; the maximum is {most}. Split it into several requests."
        _, node = max(requested.values(), key=lambda one: one[0])
        raise _refusal(message, "keys", most, count, node)
    keys.count = count


class _CostMeter:
    """A measurement that visits each fragment once, however often the fragment is spread."""

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
        if size is None:  # the field above gives the size
            return {None: once, node.name.value: entry}
        return {None: entry.times(size).plus(once)}

    def _introspected(self, node: FieldNode, selections: SelectionSetNode, parent: str) -> Amount:
        """Return the amount of an introspection field: it has no cost, but it has bytes and work."""
        name = node.name.value
        type_ = QUESTIONS.get(name) or get_named_type(self.schema.type_map[parent].fields[name].type).name  # type: ignore[attr-defined]
        entry = _total(self.measure(selections, type_)).plus(Amount(bytes=BRACES, work=OBJECT + RESOLVED))
        entries = self.entries.get(name, 1.0)
        once = Amount(bytes=PUNCTUATION + len((node.alias or node.name).value))
        return Amount(0, int(entries * entry.bytes), int(entries * entry.work)).plus(once)

    @functools.cached_property
    def entries(self) -> Mapping[str, float]:
        """Average lengths of the introspection lists that multiply most. Most types wrap no other type."""
        types = self.schema.type_map.values()
        fields = sum(len(type_.fields) for type_ in types if isinstance(type_, GraphQLObjectType))
        return {"types": len(types), "fields": fields / len(types), "ofType": 0.5}

    def _entry(self, node: FieldNode, field: GraphQLField) -> Amount:
        """Return the amount of one object without its selection: the field's object, or each entry of its list."""
        cost = _directive(field, Cost)
        # Each key of a root field is resolved separately.
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
        if _is_plain(field):
            return LEAF
        return int(metadata_of(field).get(WORK, RESOLVED_LEAF))

    def _is_on(self, node: SelectionNode, name: str) -> bool:
        """Return whether the directive (`@defer` or `@stream`) is present and not switched off."""
        if not node.directives:
            return False
        found: DirectiveNode | None = next((one for one in node.directives if one.name.value == name), None)
        condition = next((one.value for one in (found and found.arguments) or () if one.name.value == "if"), None)
        if isinstance(condition, VariableNode):
            return found is not None and self.variables.get(condition.name.value) is not False
        return found is not None and getattr(condition, "value", True) is not False

    def keys(self, selections: SelectionSetNode, root: str) -> dict[str, tuple[int, FieldNode]]:
        """Return the number of keys of each root field, by response key: a field selected twice is fetched once."""
        found: dict[str, tuple[int, FieldNode]] = {}
        spread, pending = set[str](), [selections]
        while pending:
            for node in pending.pop().selections:
                if isinstance(node, FieldNode):
                    found[(node.alias or node.name).value] = self._key_count(node, root), node
                elif not isinstance(node, FragmentSpreadNode):
                    pending.append(node.selection_set)  # type: ignore[attr-defined]
                elif node.name.value not in spread:
                    spread.add(node.name.value)
                    pending.append(self.fragments[node.name.value].selection_set)
        return found

    def _key_count(self, node: FieldNode, root: str) -> int:
        field = self._field(node, root)
        if field is None:
            return 0
        keys = self._keys(node, field)
        # A field without a list of keys that returns an entity has one key.
        return int(EDGE in metadata_of(field)) if keys is None else keys

    def most_expensive(self, selections: SelectionSetNode, parent: str, figure: int) -> FieldNode | SelectionSetNode:
        fields = [node for node in selections.selections if isinstance(node, FieldNode)]
        return max(fields, key=lambda node: _total(self.field(node, parent))[figure], default=selections)

    def _field(self, node: FieldNode, parent: str) -> GraphQLField | None:
        """Return None for introspection fields, which cost nothing here."""
        name = node.name.value
        return None if name.startswith("__") else self.schema.type_map[parent].fields.get(name)  # type: ignore[attr-defined]

    def _size(self, node: FieldNode, field: GraphQLField, list_size: ListSize | None) -> int | None:
        keys = self._keys(node, field)
        if keys is not None and keys > LONGEST_LIST:
            reason = f"`{node.name.value}` has {keys} keys; the maximum is {LONGEST_LIST}."
            message = f"{reason} Split it into several requests."
            raise _refusal(message, "list", LONGEST_LIST, keys, node)
        if keys is not None and _is_list(field.type):
            return keys
        assumed = list_size.assumed_size if list_size else None
        given = [self._given(node, field, name) for name in (list_size and list_size.slicing_arguments) or ()]
        # Values that are no valid page size are rejected during validation of the argument, at a lower cost.
        sizes = [min(size, LARGEST_PAGE) for size in given if isinstance(size, int) and size >= 0]
        return max(sizes, default=assumed)

    def _keys(self, node: FieldNode, field: GraphQLField) -> int | None:
        """Return the length of the field's longest list of keys, or None without one.

        A single value counts as a list of one.
        """
        given = [self._given(node, field, name) for name, argument in field.args.items() if _is_list(argument.type)]
        lengths = [len(keys) if isinstance(keys, list) else 1 for keys in given if keys not in (None, Undefined)]
        return max(lengths, default=None)

    def _given(self, node: FieldNode, field: GraphQLField, name: str) -> Any:
        """Return the argument's value. Of a list literal, at least the length is right."""
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
    """Return whether the field only reads an attribute."""
    definition = field.extensions.get(DEFINITION)
    return PLAIN in metadata_of(field) or bool(getattr(definition, "is_basic_field", False))


def _is_list(type_: Any) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _refusal(message: str, limit: str, most: int, value: int, node: Any) -> GraphQLError:
    problem = TooComplex(message, limit=limit, most=most, value=min(value, COUNTABLE))
    return GraphQLError(problem.message, node, original_error=problem)
