"""Scalars of the graph beyond GraphQL's own."""

from __future__ import annotations

from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.publishing import Uploaded

# Of its characters as many as are looked at: the standard library remembers the last 128 that it has split, whole.
BEGINNING = 2_048

URL = NewType("URL", str)
Upload = NewType("Upload", Uploaded)


# What these raise is a client's mistake: any other exception would pass for a bug of ours.
def _url(value: Any) -> str:
    if isinstance(value, str) and _scheme(value):
        return value
    raise GraphQLError("URL must be an absolute URL.")


def _scheme(url: str) -> str:
    try:
        return urlsplit(url[:BEGINNING]).scheme
    except ValueError:
        return ""


def _uploaded(value: Any) -> Uploaded:
    if isinstance(value, Uploaded):
        return value
    raise GraphQLError("Upload must be a file of a multipart request: null in the variables, the file beside it.")


def _never(value: Any) -> Any:
    raise ValueError("Upload is for input only.")


SCALARS: dict[object, ScalarDefinition] = {
    URL: strawberry.scalar(
        name="URL",
        description="An absolute URL.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_url,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file, sent beside the operation in a multipart request.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_never,
        parse_value=_uploaded,
    ),
}
