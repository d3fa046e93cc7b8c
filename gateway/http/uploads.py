"""File uploads by the GraphQL multipart request specification.

The parts come in the order of the specification: `operations` (the request, with null for each file), `map` (the paths
of each file), then the files. The files are written to the spool in pieces before the operation runs, and held until
its response is sent: code that needs a file longer takes its own hold on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.clients import Client, Right
from gateway.domain.publishing import Uploaded
from gateway.errors import BodyTooLarge, CrossSite, Forbidden, GatewayError, InvalidRequest, UnsupportedMediaType
from gateway.http.bodies import Bodies, Reading
from gateway.http.completion import refusal
from gateway.http.multipart import LONGEST_NAME, MultipartReader
from gateway.http.negotiation import JSON, negotiate
from gateway.http.request_options import RequestOptions, bearer
from gateway.http.request_parsing import (
    CSRF_HEADERS,
    LARGEST_BODY,
    LONGEST_TYPE,
    GraphQLRequest,
    check_digits,
    check_values,
)
from gateway.uploads.spool import Spool, UploadSession

FORM = "multipart/form-data"
LARGEST = 300_000_000  # bytes of the whole body
LARGEST_MAP = 50_000  # bytes
# A highlight's media and its cover.
MOST_FILES = 101
# Key in the scope of a request: its files, by their path in `operations`.
UPLOADS = "gateway.uploads"


class Uploads:
    """ASGI middleware that extracts the files of a multipart request, and passes on its operation as a JSON request.

    `identify` returns the client of a key, or raises Unauthenticated. `bodies` bounds the memory of bodies that are
    being read; files do not count in it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        spool: Spool,
        identify: Callable[[str | None], Client],
        bodies: Bodies,
        largest: int = LARGEST,
    ) -> None:
        self.app = app
        self.spool = spool
        self.identify = identify
        self.bodies = bodies
        self.largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not _is_form(Headers(scope=scope)):
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        async with self.spool.intake() as intake:
            try:
                operation = await self._take(request, intake)
            except ClientDisconnect:
                return
            except GatewayError as problem:
                accepted = negotiate(",".join(request.headers.getlist("accept")))
                response = refusal(problem, accepted, scope)
                return await response(scope, receive, send)
            await self.app(_json_scope(scope, operation), _receive_operation(operation.body, receive), send)

    async def _take(self, request: Request, intake: UploadSession) -> UploadOperation:
        """Read the body, and return its operation with the spooled files. Raises GatewayError and ClientDisconnect."""
        client, boundary = self._checked(request.headers)
        reader = MultipartReader(aiter(request.stream()), boundary, largest=self.largest)
        with self.bodies.reading(client.id) as reading:
            body = await _text_part(reader, "operations", LARGEST_BODY, reading)
            paths_by_part = _paths_by_part(
                await _text_part(reader, "map", LARGEST_MAP, reading), _object(body, "operations")
            )
            return UploadOperation(body, await _files(reader, paths_by_part, intake))

    def _checked(self, headers: Headers) -> tuple[Client, bytes]:
        """Check the headers, and return the client and the boundary. Raises GatewayError."""
        if not any(name in headers for name in CSRF_HEADERS) and bearer(headers) is None:
            raise CrossSite(f"A multipart request needs a header that other sites cannot send: {CSRF_HEADERS[0]}: 1.")
        client = self.identify(RequestOptions.of(headers).key)
        if Right.WRITE not in client.rights:
            raise Forbidden("Sending files needs the right `write`.")
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedMediaType("Send the request without a content encoding.")
        length = headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > self.largest):
            raise BodyTooLarge(f"The body is larger than {self.largest} bytes.")
        return client, _boundary(headers["content-type"])


@dataclass(frozen=True, slots=True)
class UploadOperation:
    """A request without its files, and the files by their path in it."""

    body: bytes
    files: Mapping[str, Uploaded]


def with_uploads(params: GraphQLRequest, scope: Scope) -> GraphQLRequest:
    """Return the request with its files at their paths in `variables`."""
    files: Mapping[str, Uploaded] = scope.get(UPLOADS, {})
    if not files:
        return params
    members = {"variables": params.variables}
    for path, file in files.items():
        _put(members, path.split("."), file)
    return replace(params, variables=members["variables"])


def _is_form(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == FORM


def _boundary(content_type: str) -> bytes:
    """Return the boundary in a content type. Raises InvalidRequest."""
    _, options = parse_options_header(content_type) if len(content_type) <= LONGEST_TYPE else (b"", {})
    if b"boundary" not in options:
        raise InvalidRequest(
            "The content type of a multipart request must have a boundary and no other long parameters."
        )
    return options[b"boundary"]


def _json_scope(scope: Scope, operation: UploadOperation) -> Scope:
    """Return the scope of the same request as JSON."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    headers["content-type"] = JSON
    headers["content-length"] = str(len(operation.body))
    return {**scope, "headers": headers.raw, UPLOADS: operation.files}


def _receive_operation(body: bytes, receive: Receive) -> Receive:
    """Return `receive` with the operation as the body, followed by messages of the client such as a disconnect."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_operation() -> Message:
        return messages.pop() if messages else await receive()

    return receive_operation


async def _text_part(reader: MultipartReader, name: str, most: int, reading: Reading) -> bytes:
    part = await reader.part()
    if part is None or part.name != name:
        raise InvalidRequest("The parts must come in this order: `operations`, `map`, then the files.")
    return await reader.text(most, reading)


def _object(data: bytes, what: str) -> dict[str, Any]:
    check_values(data, f"`{what}`")
    check_digits(data, f"`{what}`")
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidRequest(f"`{what}` must be a JSON object in UTF-8.") from exc


def _paths_by_part(data: bytes, operations: dict[str, Any]) -> dict[str, list[str]]:
    """Return the paths of each file, checked against `operations`. Raises InvalidRequest."""
    paths_by_part = _object(data, "map")
    if len(paths_by_part) > MOST_FILES:
        raise InvalidRequest(f"A request can have at most {MOST_FILES} files.")
    seen: set[str] = set()
    for paths in paths_by_part.values():
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise InvalidRequest("`map` must have a list of variable paths for each file.")
        for path in paths:
            if path in seen:
                raise InvalidRequest(f"`map` contains the path `{path[:LONGEST_NAME]}` twice.")
            if not _is_left_for_file(operations, path.split(".")):
                raise InvalidRequest(
                    f"`map` must contain paths of null values in `variables`; `{path[:LONGEST_NAME]}` is not one."
                )
            seen.add(path)
    return paths_by_part


def _is_left_for_file(operations: dict[str, Any], steps: list[str]) -> bool:
    try:
        return steps[0] == "variables" and len(steps) > 1 and _at(operations, steps) is None
    except (LookupError, TypeError, ValueError):
        return False


def _at(members: Any, steps: list[str]) -> Any:
    """Return the value at a path. Raises LookupError, TypeError and ValueError if there is none."""
    for step in steps:
        members = members[_key(members, step)]
    return members


def _put(members: Any, steps: list[str], file: Uploaded) -> None:
    parent = _at(members, steps[:-1])
    parent[_key(parent, steps[-1])] = file


def _key(members: Any, step: str) -> int | str:
    """Return `step` as a key, or as an index from the start of a list. Raises ValueError."""
    if not isinstance(members, list):
        return step
    if not step.isdigit():
        raise ValueError
    return int(step)


async def _files(
    reader: MultipartReader, paths_by_part: dict[str, list[str]], intake: UploadSession
) -> dict[str, Uploaded]:
    files: dict[str, Uploaded] = {}
    waiting = dict(paths_by_part)
    while (part := await reader.part()) is not None:
        if part.name not in waiting:
            reason = "comes twice" if part.name in paths_by_part else "is not in `map`"
            raise InvalidRequest(f"The part `{part.name}` {reason}.")
        spooled = await intake.take(reader.content())
        file = Uploaded(spooled.sha256, spooled.size, part.filename, part.content_type)
        files |= dict.fromkeys(waiting.pop(part.name), file)
    if waiting:
        raise InvalidRequest(f"The file `{next(iter(waiting))[:LONGEST_NAME]}` that `map` names was not sent.")
    return files
