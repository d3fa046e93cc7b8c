"""The builder of the schema from its types, and its two printed forms."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import strawberry
from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    print_schema,
)
from graphql.execution import Executor
from strawberry.extensions import SchemaExtension
from strawberry.federation.schema import FederationAny
from strawberry.schema.config import StrawberryConfig
from strawberry.types.execution import ExecutionContext
from strawberry.types.info import Info

from gateway.cache.response_cache import SHARED
from gateway.errors import GatewayError, InvalidInput
from gateway.execution import PartialExecutionContext, PlanCache, ProjectingExecutionContext
from gateway.execution.leaf_values import DEFINITION, PLAIN, metadata_of
from gateway.planner.selection import EDGE, Relation
from gateway.reads.facts import ENTITY_TYPES
from schema.entities import ENTITIES, typename_of
from schema.media_urls import PROXIED
from schema.mutation import Mutation
from schema.name_converter import CachedNameConverter
from schema.node import Node
from schema.query import Query
from schema.router_directives import guarded
from schema.scalars import SCALARS
from schema.sharing import mark_shared
from schema.subscription import Subscription

# The newest version that every composer accepts.
FEDERATION = "2.9"
FOR_ROUTERS = frozenset({"cost", "key", "link", "listSize", "shareable", "tag"})


class Schema(strawberry.federation.Schema):
    """A federation subgraph whose entities are domain models, resolved field by field."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._resolve_entities()
        # Strawberry keeps `@oneOf` on its own type, which validation and the printed schema do not read.
        for type_ in self._schema.type_map.values():
            if isinstance(type_, GraphQLInputObjectType):
                type_.is_one_of = type_.extensions[DEFINITION].is_one_of
        self._share_entities()
        mark_shared(self._schema)
        self._print_once()

    def _resolve_entities(self) -> None:
        """Find the type of an entity by its object: a domain model is no instance of Strawberry's type."""
        for name in ("_Entity", Node.__name__):
            abstract = self._schema.type_map[name]
            assert isinstance(abstract, GraphQLUnionType | GraphQLInterfaceType)
            abstract.resolve_type = lambda value, info, type_: typename_of(value)
        for name in ENTITIES:
            type_ = self._schema.type_map[name]
            assert isinstance(type_, GraphQLObjectType)
            type_.is_type_of = None

    def _share_entities(self) -> None:
        """Mark `_entities` as shared: Strawberry creates the field, and every entity is the same for every client."""
        query = self._schema.query_type
        assert query is not None
        query.fields["_entities"].extensions[DEFINITION].metadata = {SHARED: True, EDGE: Relation.REFERENCES}

    def _print_once(self) -> None:
        """Cache the printed schema: Strawberry prints it again for each `_service`."""
        service = self._schema.type_map["_Service"]
        assert isinstance(service, GraphQLObjectType)
        text = functools.cache(self.as_str)
        service.fields["sdl"].resolve = lambda service, info: text()

    def executed(self, extensions: Iterable[Callable[[], SchemaExtension]], context: type[Executor[Any]]) -> Schema:
        """Return a copy with the same types, other extensions and another execution context class."""
        schema = copy.copy(self)
        schema.extensions = tuple(extensions)
        schema.execution_context_class = context
        return schema

    @property
    def core(self) -> GraphQLSchema:
        """The schema as a graphql-core object."""
        return self._schema

    def entities_resolver(self, info: Info, representations: list[FederationAny]) -> list[FederationAny]:
        """Return the entities. An unknown or malformed reference is an error at its own position only."""
        return [_reference(info, at, representation) for at, representation in enumerate(representations)]

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Do nothing: Strawberry's own method logs each client error with the text of the document."""


def build_schema(
    extensions: Iterable[Callable[[], SchemaExtension]] = (),
    *,
    projects: bool = True,
    plans: PlanCache | None = None,
    proxies: bool = False,
) -> Schema:
    """Return the schema.

    `extensions` create one extension per operation. `projects`: compiled code, cached in `plans`, reads plain fields.
    `proxies`: media URLs lead to the proxy unless a query says otherwise, so their fields are more than an attribute.
    """
    types = _types(proxies)
    context = types.execution_context_class
    if projects:
        context = type("Projecting", (ProjectingExecutionContext,), {"cache": PlanCache() if plans is None else plans})
    return types.executed(extensions, context)


@functools.cache
def _types(proxies: bool) -> Schema:
    """Return the converted types. Cached: the conversion takes longer than everything else in the gateway's start."""
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=list(ENTITIES.values()),
        execution_context_class=PartialExecutionContext,
        federation_version=FEDERATION,
        config=StrawberryConfig(
            enable_experimental_incremental_execution=True, scalar_map=SCALARS, name_converter=CachedNameConverter()
        ),
    )
    _mark(schema.core, proxies=proxies)
    return schema


def _mark(core: GraphQLSchema, *, proxies: bool) -> None:
    """Mark what media URL fields return without the `proxied` argument: a proxy link, or a plain attribute."""
    for type_ in core.type_map.values():
        for field in type_.fields.values() if isinstance(type_, GraphQLObjectType) else ():
            attribute = metadata_of(field).get(PLAIN)
            if proxies and PROXIED in field.args:
                field.extensions[PROXIED] = True
            elif attribute and not proxies:
                field.extensions[PLAIN] = attribute


def subgraph_sdl(*, guards: bool = False) -> str:
    """Return the schema that a router composes.

    `guards`: with the directives by which a router checks rights itself.
    """
    return (_guarded_schema() if guards else build_schema()).as_str() + "\n"


def _guarded_schema() -> Schema:
    return Schema(
        query=guarded(Query),
        mutation=guarded(Mutation),
        subscription=guarded(Subscription),
        types=list(ENTITIES.values()),
        federation_version=FEDERATION,
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def api_sdl() -> str:
    """Return the schema that clients see, without the parts that only routers use."""
    core = build_schema().core
    query = core.query_type
    assert query is not None
    fields = {name: field for name, field in query.fields.items() if not name.startswith("_")}
    directives = [directive for directive in core.directives if directive.name not in FOR_ROUTERS]
    filtered = GraphQLSchema(
        GraphQLObjectType(query.name, fields, description=query.description),
        core.mutation_type,
        core.subscription_type,
        directives=directives,
    )
    return print_schema(filtered) + "\n"


def _reference(info: Any, at: int, representation: Any) -> Any:
    field = f"representations[{at}]"
    try:
        name, id_ = _named(representation, field)
        return ENTITIES[name].resolve_reference(info, id_, field=f"{field}.id")
    except GatewayError as problem:
        return problem


def _named(representation: object, field: str) -> tuple[str, str]:
    """Return type and id of an entity reference. Raise InvalidInput."""
    if not isinstance(representation, Mapping):
        raise InvalidInput(f"{field} must be an object with `__typename` and `id`.", field=field)
    name = representation.get("__typename")
    if not isinstance(name, str) or name not in ENTITIES:
        entities = ", ".join(sorted(ENTITIES))
        raise InvalidInput(f"{field}.__typename must be one of {entities}.", field=f"{field}.__typename")
    id_ = ENTITY_TYPES[name].id_in(representation)
    if id_ is None:
        raise InvalidInput(f"{field}.id must be the id of the {name}, a string or a whole number.", field=f"{field}.id")
    return name, id_
