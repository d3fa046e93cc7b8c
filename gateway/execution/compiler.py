"""The compiler of selection sets to Python functions that project plain data.

The generated functions handle only the common case and raise for anything else; then their caller has graphql-core
execute the same part again. Reading a plain field has no effects, so doing it twice is safe, and every error, path and
null propagation is graphql-core's own.

A field is *plain* if Strawberry's resolver for it does nothing but read an attribute: no resolver function, argument,
permission or extension. Below the object that a plan starts at, synchronous resolvers are called, too
(`sync_resolvers`). Everything else is left to graphql-core: abstract types, `is_type_of` of the schema's author,
`@stream`, a `@defer` that starts below, arguments of fragments.

    def _3(o, g):
        if type(o) not in known: register_class(known, o)
        _4 = o.id
        _6 = o.title
        return {'id': _4 if type(_4) is str else _5(_4), 'caption': _6 if type(_6) is str or _6 is None else _7(_6)}
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import CodeType
from typing import Any, NamedTuple

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
)
from graphql.execution import Executor
from graphql.execution.collect_fields import FieldDetailsList, GroupedFieldSet
from msgspec import to_builtins
from strawberry.types.field import StrawberryField

from gateway.domain.shared_tuple import SharedTuple
from gateway.execution.leaf_values import (
    DEFINITION,
    LISTS,
    PLAIN,
    coercion,
    deoptimize,
    member_names,
    moment,
    register_class,
    unchanged,
)
from gateway.execution.projection_cache import MIN_LENGTH, Projections, shape_of
from gateway.execution.sync_resolvers import ResolverInfo, bind_resolver, is_sync, supports_sync_access

# The most fields of a plan: compiling more would block other operations for longer than about 12 ms. It also bounds
# selections that repeat a fragment under ever new aliases, which grow exponentially with the text.
LARGEST = 500


# Bytes of a plan and of its module, and bytes of each per byte of the module's text: measured 6 and 5.5.
OVERHEAD = 3_000
SWELLING = 7


class NotCompilable(Exception):
    """A part of the selection that cannot be compiled."""


class NotCompiledYet(Exception):
    """A part of the selection that could be compiled, but whose code is not cached while only cached code is wanted."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled selection. `project` returns the response of one object or of one list, and raises for any other case.

    Besides the object, `project` gets the operation's info for synchronous resolvers, or None if they cannot be called.

    The response of an object contains every key in order; the keys in `rest` are None in it, and graphql-core fills
    them.
    """

    project: Callable[[Any, ResolverInfo | None], Any]
    names: dict[str, Any] = field(repr=False)
    """The globals of the functions, which contain the functions: a reference cycle that is cleared with the plan."""
    rest: tuple[str, ...] = ()
    size: int = 0
    """Bytes, without the module."""

    def __del__(self) -> None:
        self.names.clear()


class Module(NamedTuple):
    """A compiled module. `size` is in bytes and includes its text."""

    code: CodeType
    size: int


def compile_object(
    executor: Executor[Any], type_: GraphQLObjectType, group: GroupedFieldSet, *, only_known: bool = False
) -> Plan:
    """Return the plan of the fields in `group`, for sources known to be of `type_`.

    Raise NotCompilable and NotCompiledYet.
    """
    compiler = Compiler(executor, only_known)
    body, rest = compiler.fields(type_, group, partly=True)
    if len(rest) == len(group):
        raise NotCompilable
    return Plan(compiler.build(compiler.function(*body)), compiler.names, rest, compiler.size)


def compile_list(
    executor: Executor[Any], type_: GraphQLList[Any], details: FieldDetailsList, *, only_known: bool = False
) -> Plan:
    """Return the plan of a list of `type_`, at any depth of nesting. Raise NotCompilable and NotCompiledYet."""
    if not is_static(details):
        raise NotCompilable
    compiler = Compiler(executor, only_known)
    project = compiler.build(compiler.function(f"return {compiler.non_null(type_, 'o', details)}"))
    return Plan(project, compiler.names, size=compiler.size)


def is_static(details: FieldDetailsList) -> bool:
    """Return whether the field needs neither incremental delivery of its own nor fragment arguments."""
    return not any(
        detail.fragment_variable_values or any(each.name.value == "stream" for each in detail.node.directives or ())
        for detail in details
    )


def plain_field(field: GraphQLField) -> StrawberryField:
    """Return the Strawberry field behind `field`. Raise NotCompilable unless resolving it only reads an attribute.

    Strawberry marks the resolvers that it generated, including those that wrap permissions and extensions; a resolver
    that replaced one has no mark. A custom field class may read in its own way.
    """
    definition = field.extensions.get(DEFINITION)
    if type(definition) is not StrawberryField or not definition.is_basic_field:
        raise NotCompilable
    if not getattr(field.resolve, "_is_default", False):
        raise NotCompilable
    return definition


class Compiler:
    """The generator of one plan's functions. Methods that get a variable name return an expression."""

    def __init__(self, executor: Executor[Any], only_known: bool) -> None:
        self.executor = executor
        self.only_known = only_known
        self.sync = supports_sync_access(executor.context_value)
        self.projections: Projections | None = executor.cache.projections  # type: ignore[attr-defined]
        self.modules: MutableMapping[str, Module] = executor.cache.modules  # type: ignore[attr-defined]
        self.size = 0
        self.lines: list[str] = []
        self.names: dict[str, Any] = {"known": set(), "register_class": register_class, "deoptimize": deoptimize}
        self.names |= {"lists": LISTS, "lasting": SharedTuple}
        self.compiled_fields = 0
        self.readers = 0
        self.selected: list[str] = []
        """Keys and names of the fields so far, with a brace around those of each object."""

    def build(self, function: str) -> Callable[[Any, ResolverInfo | None], Any]:
        exec(self.module("\n".join(self.lines)), self.names)  # nosec B102 # noqa: S102 (checked identifiers, repr() of literals)
        return self.names[function]  # type: ignore[no-any-return]

    def module(self, text: str) -> CodeType:
        self.size = OVERHEAD + SWELLING * len(text)
        module = self.modules.get(text)
        if module is None:
            if self.only_known:
                raise NotCompiledYet
            module = Module(compile(text, "<projection>", "exec"), self.size)
            with suppress(ValueError):  # larger than the whole cache
                self.modules[text] = module
        return module.code

    def bind(self, value: Any = None) -> str:
        name = f"_{len(self.names)}"
        self.names[name] = value
        return name

    def function(self, *body: str) -> str:
        name = self.bind()
        self.lines += [f"def {name}(o, g):", *(f"  {line}" for line in body)]
        return name

    def value(self, type_: GraphQLOutputType, v: str, details: FieldDetailsList) -> str:
        if isinstance(type_, GraphQLNonNull):
            return self.non_null(type_.of_type, v, details)
        return f"(None if {v} is None else {self.non_null(type_, v, details)})"

    def non_null(self, type_: GraphQLOutputType, v: str, details: FieldDetailsList) -> str:
        match type_:
            case GraphQLList():
                return self.items(type_, v, details)
            case GraphQLObjectType():
                return f"{self.child(type_, details)}({v}, g)"
            case GraphQLEnumType():
                return self.enum(type_, v)
            case GraphQLScalarType():
                return self.scalar(type_, v)
            case _:
                raise NotCompilable

    def items(self, type_: GraphQLList[Any], v: str, details: FieldDetailsList) -> str:
        """Accept only LISTS: a subclass may iterate asynchronously, and an iterator can be read only once.

        Items that no resolver computes are the same for every operation, so their projection is cached.
        """
        item, readers, start = self.bind(), self.readers, len(self.selected)
        value = self.value(type_.of_type, item, details)
        items, selected = f"[{value} for {item} in {v}]", self.selected[start:]
        if self.projections is not None and selected and self.readers == readers:
            project = self.function(f"return [{value} for {item} in o]")
            cached, shape = self.bind(self.projections.of), self.bind(shape_of(type_, selected))
            lasts = f"type({v}) is lasting and len({v}) >= {MIN_LENGTH}"
            items = f"({cached}({v}, {shape}, {project}) if {lasts} else {project}({v}, g))"
        return f"({items} if type({v}) in lists else deoptimize())"

    def scalar(self, type_: GraphQLScalarType, v: str) -> str:
        coerced = f"{self.bind(coercion(type_))}({v})"
        if known := moment(type_):
            text = self.moment(v) if known is datetime else f"{v}.isoformat()"
            return f"({text} if type({v}) is {self.bind(known)} else {coerced})"
        condition = unchanged(type_)
        return coerced if condition is None else f"({v} if {condition.format(v=v)} else {coerced})"

    def moment(self, v: str) -> str:
        """Return the text of `isoformat` in a quarter of its time.

        `isoformat` queries the time zone, which msgspec knows to be UTC.
        """
        quick = f"{self.bind(to_builtins)}({v})[:-1] + '+00:00'"
        return f"({quick} if {v}.tzinfo is {self.bind(UTC)} else {v}.isoformat())"

    def enum(self, type_: GraphQLEnumType, v: str) -> str:
        coerced = f"{self.bind(coercion(type_))}({v})"
        members, names = member_names(type_)
        return f"({self.bind(names)}[{v}] if type({v}) is {self.bind(members)} else {coerced})"

    def child(self, type_: GraphQLObjectType, details: FieldDetailsList) -> str:
        """Return the function of an object that graphql-core has not checked.

        The function first checks that the object is of `type_`.
        """
        collected = self.executor.collect_subfields(type_, details)
        if collected.new_defer_usages:
            raise NotCompilable
        body, _ = self.fields(type_, collected.grouped_field_set)
        return self.function(*self.type_check(type_), *body)

    def type_check(self, type_: GraphQLObjectType) -> tuple[str, ...]:
        """Return the check by Strawberry's own `is_type_of` for members of interfaces, which reads only the object."""
        if type_.is_type_of is None:
            return ()
        if type_.extensions[DEFINITION].is_type_of:
            raise NotCompilable
        return (f"if not {self.bind(type_.is_type_of)}(o, None): deoptimize()",)

    def fields(
        self, type_: GraphQLObjectType, group: GroupedFieldSet, *, partly: bool = False
    ) -> tuple[list[str], tuple[str, ...]]:
        """Return the body of a function that returns the fields of `o`, and the keys left to graphql-core.

        Raise NotCompilable for the first field that cannot be compiled, unless compiling `partly`.
        """
        body = ["if type(o) not in known: register_class(known, o)"]
        response, rest = [], []
        self.selected.append("{")
        for key, details in group.items():
            self.selected += (key, details[0].node.name.value)
            try:
                read, expression = self.field(type_, details, sync=not partly)
            except NotCompilable:
                if not partly:
                    raise
                read, expression = [], "None"
                rest.append(key)
            body += read
            response.append(f"{key!r}: {expression}")
        self.selected.append("}")
        return [*body, f"return {{{', '.join(response)}}}"], tuple(rest)

    def field(self, type_: GraphQLObjectType, details: FieldDetailsList, *, sync: bool) -> tuple[list[str], str]:
        """Return the statements that read one field of `o`, and the expression of its response."""
        name = details[0].node.name.value
        if name == "__typename":
            return [], repr(type_.name)
        self.compiled_fields += 1
        if self.compiled_fields > LARGEST or not is_static(details):
            raise NotCompilable
        field = type_.fields[name]  # a KeyError: graphql-core leaves the key out, so the response must not contain it
        read, v = self.source(field, details, sync=sync), self.bind()
        return [f"{v} = {read}"], self.value(field.type, v, details)

    def source(self, field: GraphQLField, details: FieldDetailsList, *, sync: bool) -> str:
        """Return the expression of the field's value.

        If a synchronous resolver fails, graphql-core executes its whole object again, so no plan starts with one.
        """
        attribute, definition = field.extensions.get(PLAIN), field.extensions.get(DEFINITION)
        if attribute and not any(detail.node.arguments for detail in details):
            return f"o.{attribute}"
        if sync and self.sync and type(definition) is StrawberryField and is_sync(definition):
            self.readers += 1
            return f"{self.bind(bind_resolver(field, definition, details[0].node))}(o, g)"
        return self.read(plain_field(field))

    def read(self, definition: StrawberryField) -> str:
        """Return the expression that reads the attribute.

        Python normalizes non-ASCII identifiers, `getattr` does not.
        """
        resolver, name = definition.default_resolver, definition.python_name
        if resolver is getattr and name.isascii() and name.isidentifier() and not keyword.iskeyword(name):
            return f"o.{name}"
        return f"{self.bind(resolver)}(o, {name!r})"
