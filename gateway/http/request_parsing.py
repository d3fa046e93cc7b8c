"""The parser of GraphQL requests over HTTP (POST and GET), with checks of media type, size and CSRF headers."""

from __future__ import annotations

import asyncio
import codecs
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import Headers, QueryParams
from starlette.requests import Request

from gateway.domain.hosts import network_of
from gateway.domain.json_values import has_number_beyond, values_in
from gateway.errors import BodyTooLarge, CrossSite, InvalidRequest, TooComplex, UnsupportedMediaType
from gateway.http.bodies import Reading
from gateway.http.negotiation import JSON
from gateway.http.request_options import bearer
from gateway.operations import work
from gateway.scheduling import FairScheduler, Rank

LARGEST_BODY = 1_000_000  # bytes
PATIENCE = 60.0  # seconds, for the whole body
# A page of another site can have a browser send these only after a CORS preflight, which the gateway does not allow it.
CSRF_HEADERS = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name", "x-api-key")
# JSON values in one body: each costs time wherever they are walked, and no operation uses a tenth of them.
MOST_VALUES = 100_000
# Deeper than any variable of this schema, and shallow enough for recursive code.
MAX_JSON_DEPTH = 64
# Of a URL, under any name.
MOST_PARAMETERS = 100
# Characters of a content type: a media type, a charset, or a boundary of at most 256 characters.
LONGEST_TYPE = 500
# Digits of a number in JSON: the time to parse or to write one is quadratic in them.
MOST_DIGITS = 400
# Surrogate pairs, by which JSON escapes characters beyond U+FFFF, and single surrogates.
PAIR = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
# Relay's compiler defines no name for the id of a document; these are the names that its clients send.
IDS = ("documentId", "doc_id", "id")
PARAMETERS = ("query", "operationName", "variables", "extensions", *IDS)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request, well formed but not yet looked up, parsed or validated."""

    query: str | None = None
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None
    extensions: Mapping[str, Any] = field(default_factory=dict)
    document_id: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Several requests in one body, sent as an array."""

    members: tuple[GraphQLRequest, ...]


async def parse_post(
    request: Request, reading: Reading, scheduler: FairScheduler, *, longest_batch: int = 0
) -> GraphQLRequest | Batch:
    """Return the request in the body. Raises InvalidRequest, TooComplex, TooManyBodies and UnsupportedMediaType."""
    _check_media(request.headers)
    data = await body_of(request, reading)
    await turn_for(len(data), scheduler)
    body = _decoded(data, "The body")
    if isinstance(body, list) and longest_batch:
        return _batch(body, longest_batch)
    return parse_params(_mapped(body, "The body"))


async def turn_for(size: int, scheduler: FairScheduler) -> None:
    """Wait for the scheduler before `size` bytes of JSON are parsed; small bodies do not wait."""
    if (much := work.of_json(size)) > work.LONG:
        await scheduler.take(much, Rank.UNREAD)


def _batch(body: Sequence[Any], longest: int) -> Batch:
    if not 0 < len(body) <= longest:
        raise InvalidRequest(f"A batch must have 1 to {longest} operations.")
    return Batch(tuple(parse_params(_mapped(one, f"Operation {at} of the batch")) for at, one in enumerate(body)))


def parameters(request: Request) -> QueryParams:
    """Return the parameters of the URL. Raises InvalidRequest for too many, which take long to parse."""
    if request.scope["query_string"].count(b"&") >= MOST_PARAMETERS:
        raise InvalidRequest(f"The URL has too many parameters: the maximum is {MOST_PARAMETERS}.")
    return request.query_params


def parse_get(request: Request) -> GraphQLRequest:
    """Return the request in the query string of the URL. Raises InvalidRequest."""
    given = parameters(request)
    duplicates = [name for name in PARAMETERS if len(given.getlist(name)) > 1]
    if duplicates:
        raise InvalidRequest(f"`{duplicates[0]}` is given more than once.")
    members: dict[str, Any] = {name: given[name] for name in PARAMETERS if name in given}
    for name in ("variables", "extensions"):
        if name in members:
            members[name] = parse_json(members[name].encode(), f"`{name}`", or_null=True)
    return parse_params(members)


def check_origin(headers: Headers, params: GraphQLRequest) -> None:
    """Raise CrossSite for a request that any web page could have sent, unless it runs a persisted document (CSRF)."""
    if params.query is not None and not _is_preflighted(headers):
        raise CrossSite(f"A query in the URL needs a header that other sites cannot send: {CSRF_HEADERS[0]}: 1.")


def _is_preflighted(headers: Headers) -> bool:
    return any(name in headers for name in CSRF_HEADERS) or bearer(headers) is not None or _media(headers)[0] == JSON


def _media(headers: Headers) -> tuple[str, dict[str, str]]:
    content_type = headers.get("content-type", "")
    if len(content_type) > LONGEST_TYPE:
        return "", {}
    media, *rest = (piece.strip().lower() for piece in content_type.split(";"))
    pairs = (parameter.partition("=") for parameter in rest)
    return media, {name.strip(): value.strip().strip('"') for name, _, value in pairs}


def _check_media(headers: Headers) -> None:
    media, parameters = _media(headers)
    if media != JSON:
        raise UnsupportedMediaType(f"Send the request as {JSON}.")
    if parameters.get("charset", "utf-8") not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("Send the request in UTF-8.")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the request without a content encoding.")


def network_of_peer(request: Request) -> str:
    """Return the network of the address that sent a request; empty if that is unknown."""
    return network_of(request.client.host) if request.client else ""


async def body_of(request: Request, reading: Reading, *, seconds: float = PATIENCE) -> bytes:
    """Return the body. Reading stops at the limit, whatever `Content-Length` says.

    Raises BodyTooLarge, TooManyBodies, and InvalidRequest if the body takes longer than `seconds`.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 15 or int(announced) > LARGEST_BODY):
        raise _too_large()
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, reading)
    except TimeoutError as exc:
        raise InvalidRequest(f"The body did not arrive within {seconds:.0f} seconds.") from exc


async def _read(request: Request, reading: Reading) -> bytes:
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise _too_large()
        reading.add(len(chunk))
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {LARGEST_BODY} bytes.")


def parse_json(data: bytes, what: str, *, or_null: bool = False) -> dict[str, Any]:
    """Return the JSON object in `data`, which error messages call `what`. Raises InvalidRequest and TooComplex."""
    value = _decoded(data, what)
    return {} if value is None and or_null else _mapped(value, what)


def check_values(data: bytes, what: str) -> None:
    """Raise TooComplex if `data` may hold more than MOST_VALUES values."""
    values = values_in(data, MOST_VALUES)
    if values > MOST_VALUES:
        message = f"{what} has up to {values} values, by its commas and brackets; the maximum is {MOST_VALUES}."
        raise TooComplex(message, limit="values", most=MOST_VALUES, value=values)


def check_digits(data: bytes, what: str) -> None:
    """Raise InvalidRequest if a number in `data` has more than MOST_DIGITS digits."""
    if has_number_beyond(data, MOST_DIGITS):
        raise InvalidRequest(f"{what} contains a number of more than {MOST_DIGITS} digits.")


def _decoded(data: bytes, what: str) -> Any:
    """Return the JSON value in `data`. Raises InvalidRequest and TooComplex."""
    check_values(data, what)
    check_digits(data, what)
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidRequest(f"{what} must be JSON in UTF-8{_why_not(data, exc)}.") from exc
    if data.count(b"[") + data.count(b"{") > MAX_JSON_DEPTH and _is_deep(value):
        raise InvalidRequest(f"{what} is nested deeper than {MAX_JSON_DEPTH} levels.")
    return value


def _why_not(data: bytes, problem: Exception) -> str:
    """Return why `data` cannot be decoded. The library's message gives positions and quotes no data."""
    if not data.strip():
        return "; it is empty"
    if data.startswith(codecs.BOM_UTF8):
        return " without a byte order mark"
    if isinstance(problem, UnicodeDecodeError):
        return "; it is not UTF-8"
    if SURROGATE.search(PAIR.sub(b"", data)):
        return "; half of a surrogate pair is not a character"
    if isinstance(problem, msgspec.ValidationError):
        return "; it contains a number that is out of range"
    return f"; {text}" if (text := str(problem).removeprefix("JSON is malformed: ")) and text.isascii() else ""


def _mapped(value: object, what: str) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise InvalidRequest(f"{what} must be a JSON object.")


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(MAX_JSON_DEPTH):
        level = [inner for outer in level for inner in _members(outer)]
    return bool(level)


def _members(value: object) -> Iterable[object]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def parse_params(members: Mapping[str, Any]) -> GraphQLRequest:
    """Return the request with these parameters. Raises InvalidRequest."""
    return GraphQLRequest(
        query=_text(members, "query"),
        operation_name=_text(members, "operationName") or None,
        variables=_map(members, "variables"),
        extensions=_map(members, "extensions") or {},
        document_id=_document_id(members),
    )


def _document_id(members: Mapping[str, Any]) -> str | None:
    """Return the id of the document. Beside a query only `documentId` counts: the other names have other uses."""
    names = IDS if members.get("query") is None else IDS[:1]
    given = [text for name in names if (text := _text(members, name)) is not None]
    if len(given) > 1:
        raise InvalidRequest(f"Only one of {', '.join(names)} may be given.")
    return given[0] if given else None


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRequest(f"`{name}` must be a string.")


def _map(members: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    value = members.get(name)
    if value is None or isinstance(value, dict):
        return value
    raise InvalidRequest(f"`{name}` must be an object.")
