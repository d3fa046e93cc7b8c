"""Manifests of persisted documents (hash to text) in the three formats of client tools.

- Apollo: `{"format": "apollo-persisted-query-manifest", "version": 1, "operations": [{"id", "name", "type", "body"}]}`,
  as written by `@apollo/generate-persisted-query-manifest`.
- Relay: `{hash: text}`, as written by `relay-compiler` with `persistConfig.file`.
- codegen: `{"sha256:" + hash: text}`, as written by the client preset of `@graphql-codegen` with `persistedDocuments`.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

import msgspec
from graphql import DocumentNode, FragmentDefinitionNode, GraphQLError, GraphQLSchema, OperationDefinitionNode, parse

from gateway.errors import Unusable
from gateway.operations.document_printers import Printer, as_apollo, as_codegen, as_relay, print_like_graphql_js
from gateway.operations.formats import ManifestFormat
from gateway.operations.limits import check_document, check_text, spread_in
from gateway.operations.validation import problems

APOLLO = "apollo-persisted-query-manifest"
SHA256 = "sha256:"


class ManifestError(Unusable):
    """The documents or their manifest cannot be used. The message names the file or the operation."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with the fragments it needs, as a separate document."""

    name: str
    kind: str
    node: DocumentNode

    def text(self, form: ManifestFormat, show: Printer = print_like_graphql_js) -> str:
        """Return the text that the client's tool prints: the hash depends on every character."""
        match form:
            case ManifestFormat.APOLLO:
                return as_apollo(self.node, show)
            case ManifestFormat.RELAY:
                return as_relay(self.node, show)
            case ManifestFormat.CODEGEN:
                return as_codegen(self.node, show)
            case _:
                assert_never(form)


def operations_in(sources: Mapping[str, str]) -> list[Operation]:
    """Return all operations of `sources` (name to text), by name. All share the fragments. Raise ManifestError."""
    definitions = [(file, definition) for file, text in sources.items() for definition in _parsed(file, text)]
    fragments = {node.name.value: node for file, node in definitions if isinstance(node, FragmentDefinitionNode)}
    found = [
        _operation(file, node, fragments) for file, node in definitions if isinstance(node, OperationDefinitionNode)
    ]
    names = [operation.name for operation in found]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ManifestError(f"Operations must have different names: {', '.join(doubled)}.")
    return sorted(found, key=lambda operation: operation.name)


def manifest(operations: Iterable[Operation], form: ManifestFormat) -> dict[str, Any]:
    texts = [(operation, operation.text(form)) for operation in operations]
    match form:
        case ManifestFormat.RELAY:
            return {digest_of(text): text for _, text in texts}
        case ManifestFormat.CODEGEN:
            return {SHA256 + digest_of(text): text for _, text in texts}
        case ManifestFormat.APOLLO:
            rows = [{"id": digest_of(text), "name": one.name, "type": one.kind, "body": text} for one, text in texts]
            return {"format": APOLLO, "version": 1, "operations": rows}
        case _:
            assert_never(form)


def read(data: bytes) -> dict[str, str]:
    """Return the texts of a manifest of any format, by id. Raise ManifestError."""
    try:
        found = msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ManifestError("The manifest is not JSON.") from exc
    if isinstance(found, dict) and found.get("format") == APOLLO:
        found = _rows(found)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ManifestError("The manifest has none of the formats of Apollo, Relay and codegen.")
    wrong = [id_ for id_, text in found.items() if id_.startswith(SHA256) and id_ != SHA256 + digest_of(text)]
    if wrong:
        raise ManifestError(f"The manifest has a document that does not match its hash: {wrong[0][:80]}.")
    return found


def digest_of(text: str) -> str:
    """Return the SHA-256 in hex. Texts from JSON may contain unpaired surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _rows(found: Mapping[str, Any]) -> dict[str, Any] | None:
    rows = found.get("operations")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        return None
    return {row["id"]: row.get("body") for row in rows}


def _parsed(file: str, text: str) -> Iterable[Any]:
    try:
        check_text(text)
        return parse(text).definitions
    except GraphQLError as error:
        raise ManifestError(f"{file}: {error.message}") from error


def _operation(file: str, node: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Operation:
    if node.name is None:
        raise ManifestError(f"{file}: an operation has no name.")
    used, left = dict[str, FragmentDefinitionNode](), [node.selection_set]
    while left:
        for name in spread_in(left.pop()):
            if name in fragments and name not in used:
                used[name] = fragments[name]
                left.append(fragments[name].selection_set)
    spread = [fragment for name, fragment in fragments.items() if name in used]
    return Operation(node.name.value, node.operation.value, DocumentNode(definitions=(node, *spread)))


def check(operation: Operation, schema: GraphQLSchema) -> None:
    """Raise ManifestError for an operation that the gateway would reject."""
    try:
        check_document(operation.node)
    except GraphQLError as error:
        raise ManifestError(f"{operation.name}: {error.message}") from error
    if errors := problems(schema, operation.node, suggest=True):
        raise ManifestError(f"{operation.name}: {errors[0].message}")
