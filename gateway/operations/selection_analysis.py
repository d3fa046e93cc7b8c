"""Analysis of a GraphQL operation for the planner: the entities and the facts selected of each.

The schema declares on each field its fact or its edge (`strawberry.field(metadata=...)`). Fields without either
(connections, and fields that arrive with others free of charge) contribute only their selections.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias, assert_never

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationType,
    get_named_type,
    get_operation_ast,
    is_abstract_type,
    is_object_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    GroupedFieldSet,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import get_argument_values

from gateway.errors import InvalidInput
from gateway.execution.leaf_values import metadata_of
from gateway.operations.client_errors import coerced
from gateway.planner.fetcher import Fetcher
from gateway.planner.selection import (
    EDGE,
    FACT,
    ONE_ACCOUNT,
    RESOLVED_LATE,
    SOURCES,
    Edge,
    Reference,
    Relation,
    Root,
    RootList,
    Selection,
)
from gateway.reads.facts import FactKind, entity_of_node, united


class AnalyzedSelection(NamedTuple):
    """The selection below an entity's field, down to the next entities."""

    facts: FactKind
    children: tuple[Selection, ...]


Path: TypeAlias = tuple[str, ...]


def analyze(
    schema: GraphQLSchema, document: DocumentNode, operation_name: str | None, variables: dict[str, Any] | None
) -> tuple[Selection, ...]:
    """Return the entity selections of a valid query, or nothing if it is no query or its variables do not fit.

    Deferred selections are left out, and bought when they are executed, except for the facts that the entity must
    already have by then.
    """
    operation = get_operation_ast(document, operation_name)
    if operation is None or operation.operation is not OperationType.QUERY or schema.query_type is None:
        return ()
    values = coerced(schema, operation, variables, suggest=False)
    if isinstance(values, list):
        return ()  # execution reports the error
    fragments = {
        node.name.value: FragmentDetails(node)
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    return _Reader(schema, operation, fragments, values).roots(schema.query_type)


async def prefetch(fetcher: Fetcher, info: GraphQLResolveInfo[Any], edge: Root, arguments: dict[str, Any]) -> None:
    """Buy the selection of the entity that the current field resolved to, as if the entity were a root.

    Raise the same errors as `Fetcher.prepare`.
    """
    fragments = {name: FragmentDetails(node) for name, node in info.fragments.items()}
    reader = _Reader(info.schema, info.operation, fragments, info.variable_values)
    await fetcher.prepare([reader.below(info, edge, arguments)])


class _Reader:
    def __init__(self, schema: GraphQLSchema, operation: Any, fragments: dict[str, FragmentDetails], values: Any):
        self.schema = schema
        self.operation = operation
        self.fragments = fragments
        self.values = values

    def roots(self, query: GraphQLObjectType) -> tuple[Selection, ...]:
        fields = collect_fields(self.schema, self.fragments, self.values, query, self.operation)
        return self._below(query, fields.grouped_field_set, ()).children

    def below(self, info: GraphQLResolveInfo[Any], edge: Root, arguments: dict[str, Any]) -> Selection:
        details = [FieldDetails(node, None) for node in info.field_nodes]
        type_ = get_named_type(info.return_type)
        assert is_object_type(type_), "an entity is an object"
        found = self._subfields(type_, details, ())
        return Selection(edge, _path_of(info), found.facts, arguments, found.children)

    def _below(self, parent: GraphQLObjectType, fields: GroupedFieldSet, path: Path) -> AnalyzedSelection:
        facts, children = FactKind.NOTHING, list[Selection]()
        for key, details in fields.items():
            now = [detail for detail in details if detail.defer_usage is None]
            found = self._field(parent, now or details, (*path, key))
            if now:
                facts |= found.facts
                children += found.children
            else:
                facts |= (found.facts | _source_of(found.children)) & SOURCES
                children += _required_when_deferred(found.children)
        return AnalyzedSelection(facts, tuple(children))

    def _field(self, parent: GraphQLObjectType, details: list[FieldDetails], path: Path) -> AnalyzedSelection:
        name = details[0].node.name.value
        field = self.schema.get_field(parent, name)
        if field is None or name.startswith("__"):
            return AnalyzedSelection(FactKind.NOTHING, ())
        metadata = metadata_of(field)
        if RESOLVED_LATE in metadata:
            return AnalyzedSelection(FactKind.NOTHING, ())
        edge, fact = metadata.get(EDGE), metadata.get(FACT, FactKind.NOTHING)
        type_ = get_named_type(field.type)
        if edge is Relation.REFERENCES:
            return AnalyzedSelection(FactKind.NOTHING, (self._references(field, details, path),))
        below = self._subfields(type_, details, () if edge else path) if is_object_type(type_) else None
        found = below or AnalyzedSelection(FactKind.NOTHING, ())
        if edge is None:
            return AnalyzedSelection(fact | found.facts, self._of_account(field, details, found.children))
        arguments = self._arguments(field, details)
        try:
            edge = edge(arguments) if callable(edge) else edge
            selection = Selection(edge, path, found.facts, arguments, found.children)
        except InvalidInput:
            return AnalyzedSelection(fact, ())  # the resolver raises it, before it reads data
        return AnalyzedSelection(fact, (selection,))

    def _of_account(
        self, field: GraphQLField, details: list[FieldDetails], children: tuple[Selection, ...]
    ) -> tuple[Selection, ...]:
        """Return the selections below a field, which name the account if the field leads to one of the client's."""
        argument = metadata_of(field).get(ONE_ACCOUNT)
        if argument is None:
            return children
        account = {ONE_ACCOUNT: self._arguments(field, details).get(argument, "")}
        return tuple(replace(each, arguments=account) if each.edge is Relation.ACCOUNTS else each for each in children)

    def _references(self, field: GraphQLField, details: list[FieldDetails], path: Path) -> Selection:
        """Return the selection of a field of several types, with one child for each type that a reference may have."""
        abstract = get_named_type(field.type)
        assert is_abstract_type(abstract), "a field of references returns a union or an interface"
        instances = []
        for type_ in self.schema.get_possible_types(abstract):
            found = self._subfields(type_, details, ())
            instances.append(Selection(Relation.INSTANCE, (), found.facts, {"type": type_.name}, found.children))
        given = {"representations": _representations(self._arguments(field, details))}
        return Selection(Relation.REFERENCES, path, FactKind.NOTHING, given, tuple(instances))

    def _subfields(self, type_: GraphQLObjectType, details: list[FieldDetails], path: Path) -> AnalyzedSelection:
        found = collect_subfields(self.schema, self.fragments, self.values, self.operation, type_, details)
        return self._below(type_, found.grouped_field_set, path)

    def _arguments(self, field: Any, details: list[FieldDetails]) -> dict[str, Any]:
        try:
            return get_argument_values(field, details[0].node, self.values)
        except GraphQLError:
            return {}  # execution reports the error


def _representations(arguments: Mapping[str, Any]) -> list[Any]:
    """Return the references in the arguments of `_entities`, `nodes` or `node`, each as federation has it.

    An id of no type is left out: the resolver raises the error.
    """
    if "representations" in arguments:
        return list(arguments["representations"])
    ids = [str(id_) for id_ in arguments.get("ids", [arguments.get("id")])]
    return [{"__typename": entity.typename, "id": id_} for id_ in ids if (entity := entity_of_node(id_))]


def _path_of(info: GraphQLResolveInfo[Any]) -> Path:
    return tuple(key for key in info.path.as_list() if isinstance(key, str))


def _required_when_deferred(deferred: Iterable[Selection]) -> Iterator[Selection]:
    """Yield the deferred entities with the facts they need before they are resolved.

    Highlights, for example, are not fetched on demand.
    """
    for selection in deferred:
        required = (selection.facts | _source_of(selection.children)) & FactKind.TRAY_ENTRY
        below = tuple(_required_when_deferred(selection.children)) if selection.edge is Relation.REFERENCES else ()
        if _is_carrier(selection.edge) and (required or below):
            yield replace(selection, facts=required, children=below)


def _source_of(children: tuple[Selection, ...]) -> FactKind:
    """Return the facts that an entity needs for these edges to be followed."""
    return united(_source(child.edge) for child in children)


def _source(edge: Edge) -> FactKind:
    match edge:
        case Relation.OWNER:
            return FactKind.TRAY_ENTRY
        case Reference() | Relation.AUTHOR | Relation.MENTIONED | Relation.SPONSOR | Relation.COAUTHOR:
            return FactKind.ITEM
        case Root() | RootList() | FactKind():
            return FactKind.NOTHING
        case Relation.ACCOUNTS | Relation.REFERENCES | Relation.INSTANCE | Relation.ITEMS:
            return FactKind.NOTHING
        case _:
            assert_never(edge)


def _is_carrier(edge: Edge) -> bool:
    """Return whether the edge leads to entities that are resolved without another call."""
    return isinstance(edge, Root | RootList) or edge in (Relation.REFERENCES, Relation.INSTANCE)
