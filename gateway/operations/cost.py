"""What an operation may cost to execute, by the directives of the schema: refused before anything is bought.

The semantics are those of IBM's specification of GraphQL cost directives: a field that gives objects weighs 1 and a
leaf 0, unless `@cost` says otherwise; a list multiplies what it holds by its size, which `@listSize` tells: the largest
of its slicing arguments, or else the assumed size; it goes to the `sizedFields` below, where these are named. A list
that is asked for by a list of keys is as long as that.

The keys are counted as well, over the whole operation: planning is linear in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    ListValueNode,
    NullValueNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_operation_ast,
    is_composite_type,
)
from graphql.pyutils import Undefined
from graphql.utilities import value_from_ast_untyped
from strawberry.federation.schema_directives import Cost, ListSize

from gateway.errors import TooComplex
from gateway.execution.leaves import DEFINITION, metadata_of
from gateway.operations.limits import COUNTABLE, LIMITS
from gateway.planner.keys import Keys
from gateway.planner.selection import EDGE

# Objects in the whole answer: 20,000 of them take 13 to 38 ms of the event loop.
LARGEST_ANSWER = 100_000
# Keys in one argument: each is a question of its own.
LONGEST_LIST = 1_000

D = TypeVar("D")
# What a selection costs: by the field whose size multiplies it, if the field above tells one.
Costs: TypeAlias = Counter[str | None]


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
    costs = meter.measure(operation.selection_set, root.name)
    _count_keys(meter.keys(operation.selection_set, root.name), keys or Keys())
    cost = costs.total()
    if cost > LARGEST_ANSWER:
        message = f"The answer could be too large: it may cost {cost}, and may {LARGEST_ANSWER}."
        message += " Lower `first`, or ask in several operations."
        raise _refusal(message, "cost", LARGEST_ANSWER, cost, meter.dearest(operation.selection_set, root.name))


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
        costs = Costs()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                costs += self.field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                costs += self.fragment(node.name.value)
            else:
                condition = getattr(node, "type_condition", None)
                costs += self.measure(node.selection_set, condition.name.value if condition else parent)  # type: ignore[attr-defined]
        return costs

    def fragment(self, name: str) -> Costs:
        if name not in self.known:
            node = self.fragments[name]
            self.known[name] = self.measure(node.selection_set, node.type_condition.name.value)
        return self.known[name]

    def field(self, node: FieldNode, parent: str) -> Costs:
        field = self._field(node, parent)
        if field is None:
            return Costs()
        named = get_named_type(field.type)
        cost, list_size = _directive(field, Cost), _directive(field, ListSize)
        own = cost.weight if cost else int(is_composite_type(named))
        below = self.measure(node.selection_set, named.name) if node.selection_set else Costs()
        sized = (list_size and list_size.sized_fields) or ()
        size = self._size(node, field, list_size)
        inside = sum(inner * ((size or 0) if key in sized else 1) for key, inner in below.items())
        if sized or not _is_list(field.type):
            return Costs({None: own + inside})
        if size is None:  # as long as the field above says
            return Costs({node.name.value: own + inside})
        return Costs({None: size * (own + inside)})

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

    def dearest(self, selections: SelectionSetNode, parent: str) -> FieldNode | SelectionSetNode:
        fields = [node for node in selections.selections if isinstance(node, FieldNode)]
        return max(fields, key=lambda node: self.field(node, parent).total(), default=selections)

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


def _is_list(type_: Any) -> bool:
    return isinstance(type_.of_type if isinstance(type_, GraphQLNonNull) else type_, GraphQLList)


def _refusal(message: str, limit: str, most: int, value: int, node: Any) -> GraphQLError:
    problem = TooComplex(message, limit=limit, most=most, value=min(value, COUNTABLE))
    return GraphQLError(problem.message, node, original_error=problem)
