"""Custom scalars of the schema."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any, NewType
from urllib.parse import urlsplit

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.schema.types.scalar import DEFAULT_SCALAR_REGISTRY
from strawberry.types.scalar import ScalarDefinition

from gateway.domain.publishing import Uploaded
from gateway.domain.users import EXACT
from gateway.execution.leaf_values import big_int

# The characters that are parsed: the standard library caches the last 128 split texts in full.
BEGINNING = 2_048

STOCK_JSON = DEFAULT_SCALAR_REGISTRY[JSON]

URL = NewType("URL", str)
Upload = NewType("Upload", Uploaded)
BigInt = NewType("BigInt", int)


# Parsers raise GraphQLError for client errors: any other exception would count as a bug of the gateway.
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


def exact(value: Any) -> Any:
    """Return `value` with text in place of integers that some JSON parsers read inexactly: these are ids."""
    if type(value) is int:
        return value if -EXACT <= value <= EXACT else str(value)
    if isinstance(value, dict):
        return {key: exact(part) for key, part in value.items()}
    return [exact(part) for part in value] if isinstance(value, list) else value


def _json(value: Any) -> Any:
    try:
        return exact(value)
    except RecursionError:
        raise GraphQLError("The JSON value is nested too deeply.") from None


def _unchanged(value: Any) -> Any:
    return value


def _never(value: Any) -> Any:
    raise ValueError("Upload is for input only.")


SCALARS: dict[object, ScalarDefinition] = {
    datetime: replace(
        DEFAULT_SCALAR_REGISTRY[datetime], description="A date and time with its UTC offset, in ISO 8601."
    ),
    date: replace(DEFAULT_SCALAR_REGISTRY[date], description="A day of the calendar, in ISO 8601."),
    URL: strawberry.scalar(
        name="URL",
        description="An absolute URL.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3986",
        serialize=str,
        parse_value=_url,
    ),
    Upload: strawberry.scalar(
        name="Upload",
        description="A file of a multipart request (GraphQL multipart request specification). Input only.",
        specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
        serialize=_never,
        parse_value=_uploaded,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer of up to 53 bits, sent as a JSON number: larger than Int, and exact in every client.",
        serialize=big_int,
        parse_value=big_int,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description=f"{STOCK_JSON.description} Integers of more than 53 bits, which many clients read inexactly, "
        "are sent as strings.",
        specified_by_url=STOCK_JSON.specified_by_url,
        serialize=_json,
        parse_value=_unchanged,
    ),
}
