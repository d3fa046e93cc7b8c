"""Whatever is sent: a JSON answer, soon, that is nobody's bug and tells nothing of the inside."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.request_parsing import CSRF_HEADERS
from gateway.http.transports import ws_messages
from schema.build import build_schema
from tests.fakes.gateway import running_gateway
from tests.http.grammar import json_values, requests
from tests.profiles import examples

INSIDE = (b"Traceback", b"/gateway/", b"site-packages", b"Internal error", b"object at 0x", b"KeyError", b"TypeError")
JSON = {"content-type": "application/json"}
ACCEPT = (
    "application/json",
    "application/graphql-response+json",
    "multipart/mixed, application/json",
    'multipart/mixed;subscriptionSpec="1.0", application/json',
    "text/event-stream",
    "*/*",
    "x/y",
)
STREAMS = ("multipart", "text/event-stream")
MEMBERS = ("query", "variables", "operationName", "extensions", "documentId", "doc_id", "id")
DOCUMENTS = (
    "{ __typename }",
    "{",
    "mutation { a }",
    "{ user(by: {}) { id } }",
    "query Q { a: allowance { limit } }",
    "",
)

Ask = Callable[..., httpx.Response]
fuzz = examples(4_000)
# Tracing each line of so many inputs takes longer than running them.
pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """One gateway for all inputs, as there is one in life."""
    stack = contextlib.AsyncExitStack()
    with asyncio.Runner() as runner:
        running = running_gateway(tmp_path_factory.mktemp("fuzzed"), all_heard=False)
        gateway = runner.run(stack.enter_async_context(running))
        yield lambda *args, **kwargs: runner.run(gateway.client.request(*args, **kwargs))
        runner.run(stack.aclose())


def check(response: httpx.Response) -> None:
    assert response.status_code < 500, response.content[:500]
    assert not [word for word in INSIDE if word in response.content], response.content[:500]
    if response.headers["content-type"].startswith(STREAMS):
        return
    body = msgspec.json.decode(response.content)
    assert body.keys() & {"data", "errors"}
    assert all(error["message"] and error["extensions"]["code"] for error in body.get("errors", ()))


@fuzz
@given(body=st.binary(max_size=200))
def test_any_bytes(ask: Ask, body: bytes) -> None:
    check(ask("POST", "/graphql", content=body, headers=JSON))


@fuzz
@given(
    members=st.dictionaries(st.sampled_from(MEMBERS), json_values | st.sampled_from(DOCUMENTS), max_size=5),
    cut=st.none() | st.integers(0, 300),
    accept=st.sampled_from(ACCEPT),
)
def test_any_json(ask: Ask, members: dict[str, Any], cut: int | None, accept: str) -> None:
    body = msgspec.json.encode(members)[:cut]
    check(ask("POST", "/graphql", content=body, headers={**JSON, "accept": accept}))


@fuzz
@given(request=requests(build_schema().core), accept=st.sampled_from(ACCEPT))
def test_any_document_of_the_grammar(ask: Ask, request: dict[str, Any], accept: str) -> None:
    check(ask("POST", "/graphql", content=msgspec.json.encode(request), headers={**JSON, "accept": accept}))


@fuzz
@given(query=st.binary(max_size=60) | st.sampled_from(DOCUMENTS).map(str.encode), name=st.sampled_from(MEMBERS))
def test_any_query_string(ask: Ask, query: bytes, name: str) -> None:
    check(ask("GET", f"/graphql?{name}={quote(query)}&variables=%7B%7D", headers={CSRF_HEADERS[0]: "1"}))


@fuzz
@given(
    headers=st.dictionaries(
        st.sampled_from(("accept", "content-type", "authorization", "x-api-key", "x-billing-limit", "content-length")),
        st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=40).map(
            lambda text: text.encode("latin-1")
        ),
    ),
    method=st.sampled_from(("GET", "POST", "PUT", "X")),
)
def test_any_headers(ask: Ask, headers: dict[str, bytes], method: str) -> None:
    check(ask(method, "/graphql", content=b'{"query": "{ __typename }"}', headers=headers))


@fuzz
@given(
    kind=st.sampled_from(("connection_init", "subscribe", "complete", "ping", "pong", "next", "")) | json_values,
    id_=json_values,
    payload=json_values | st.fixed_dictionaries({"query": st.sampled_from(DOCUMENTS), "variables": json_values}),
    cut=st.none() | st.integers(0, 100),
)
def test_any_message_of_a_websocket(kind: Any, id_: Any, payload: Any, cut: int | None) -> None:
    """Read, or a reason to close that fits into a frame."""
    text = msgspec.json.encode({"type": kind, "id": id_, "payload": payload}).decode()[:cut]
    closing = refused(text)
    if closing is not None:
        assert closing.code is ws_messages.Close.INVALID
        assert 0 < len(closing.reason.encode()) <= ws_messages.LONGEST_REASON


def refused(text: str) -> ws_messages.Closing | None:
    try:
        ws_messages.read(text)
    except ws_messages.Closing as closing:
        return closing
    return None
