"""The `documents` command: a manifest of a folder's documents for client tools."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

import msgspec

from gateway.commands.base import UsageError
from gateway.operations.formats import ManifestFormat
from gateway.operations.manifests import ManifestError, check, manifest, operations_in
from gateway.operations.trusted_documents import OWN, sources


def documents(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Write or print the manifest. Raise UsageError for documents that are invalid in the schema."""
    from schema.build import build_schema

    try:
        operations = operations_in(sources(arguments.directory or OWN))
        schema = build_schema().core
        for operation in operations:
            check(operation, schema)
    except ManifestError as error:
        raise UsageError(str(error)) from error
    table = manifest(operations, ManifestFormat(arguments.format))
    text = msgspec.json.format(msgspec.json.encode(table), indent=2).decode() + "\n"
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        arguments.out.write_text(text, "utf-8")
    return 0
