"""The messages of graphql-transport-ws, the WebSocket subprotocol of the library `graphql-ws`."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.errors import InvalidRequest, TooComplex
from gateway.http.request_parsing import LARGEST_BODY, GraphQLRequest, parse_json, parse_params

PROTOCOL = "graphql-transport-ws"
LONGEST_ID = 128  # characters
LONGEST_REASON = 123  # bytes, of RFC 6455


class Close(enum.IntEnum):
    """The close codes that the gateway sends. Codes from 4400 are defined by the subprotocol."""

    ENDED = 1000
    AWAY = 1001
    INVALID = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL = 4406
    INIT_TIMEOUT = 4408
    DUPLICATE = 4409
    TOO_MANY = 4429


class Closing(Exception):
    """The error that closes the connection, with a code and a reason."""

    def __init__(self, code: Close, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:LONGEST_REASON].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class Init:
    """The first message. `headers` are sent in its payload, because browsers let no page set those of a handshake."""

    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subscribe:
    id: str
    request: GraphQLRequest


@dataclass(frozen=True, slots=True)
class Complete:
    id: str


@dataclass(frozen=True, slots=True)
class Ping:
    payload: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Pong:
    pass


Message = Init | Subscribe | Complete | Ping | Pong


def read(text: str | None) -> Message:
    """Return the message in `text`. Raises Closing if it is not a valid message of a client."""
    try:
        return _message(_parsed(text))
    except (InvalidRequest, TooComplex) as problem:
        raise Closing(Close.INVALID, problem.message) from problem


def write(kind: str, id: str | None = None, payload: object = msgspec.UNSET) -> str:
    members: dict[str, Any] = {"type": kind}
    if id is not None:
        members = {"id": id, **members}
    if payload is not msgspec.UNSET:
        members["payload"] = payload
    return msgspec.json.encode(members).decode()


def _parsed(text: str | None) -> dict[str, Any]:
    if text is None:
        raise InvalidRequest("Send messages as text.")
    if len(text) > LARGEST_BODY:
        raise InvalidRequest(f"The message is larger than {LARGEST_BODY} characters.")
    return parse_json(text.encode("utf-8", "surrogatepass"), "The message")


def _message(members: dict[str, Any]) -> Message:
    match members:
        case {"type": "connection_init"}:
            return Init(headers_in(_payload(members)))
        case {"type": "subscribe", "payload": dict(payload)}:
            return Subscribe(_id(members), parse_params(payload))
        case {"type": "complete"}:
            return Complete(_id(members))
        case {"type": "ping"}:
            return Ping(_payload(members))
        case {"type": "pong"}:
            return Pong()
        case _:
            raise InvalidRequest("The message is not a client message of the protocol.")


def _payload(members: Mapping[str, Any]) -> dict[str, Any] | None:
    payload = members.get("payload")
    if payload is None or isinstance(payload, dict):
        return payload
    raise InvalidRequest("`payload` must be an object.")


def _id(members: Mapping[str, Any]) -> str:
    id_ = members.get("id")
    if isinstance(id_, str) and 0 < len(id_) <= LONGEST_ID:
        return id_
    raise InvalidRequest(f"`id` must be a string of 1 to {LONGEST_ID} characters.")


def headers_in(payload: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the headers in a payload or in extensions, in lower case. Some clients nest them under `headers`."""
    given = payload or {}
    nested = given.get("headers")
    merged = {**given, **(nested if isinstance(nested, dict) else {})}
    texts = {name.lower(): value for name, value in merged.items() if isinstance(value, str)}
    return {name: value for name, value in texts.items() if name.isascii() and value.isascii()}
