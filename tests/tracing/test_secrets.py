"""No span holds what a client or the operator would not tell a collector, wherever in a request it stood."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan

from gateway.settings import Settings
from gateway.spans import Attribute, Kind
from tests.fakes.clock import VirtualLoop
from tests.fakes.gateway import FlowingClock, Terms, running_gateway
from tests.fakes.websocket import Socket
from tests.tracing.recorder import SpanRecorder
from tests.tracing.stage import Traced, traced

SECRET = "pl4nted5ecret"  # pragma: allowlist secret
GOOD = {"x-api-key": "key-of-web"}
READ = "query($name: String!) { user(by: { username: $name }) { biography highlights { nodes { title } } } }"


@dataclass(frozen=True)
class Sent:
    """A request with the secret somewhere in it."""

    body: Mapping[str, Any]
    headers: Mapping[str, str]
    path: str = "/graphql"


def bodies(secret: str) -> dict[str, dict[str, Any]]:
    by_name = f'user(by: {{ username: "{secret}" }}) {{ biography }}'
    return {
        "literal": {"query": f"{{ {by_name} }}"},
        "variable": {"query": READ, "variables": {"name": secret}},
        "unknown variable": {"query": READ, "variables": {"name": "natgeo", secret: secret}},
        "bad variable": {"query": READ, "variables": {"name": {"x": secret}}},
        "highlight URL": {
            "query": f'{{ highlight(by: {{ url: "https://www.instagram.com/s/{secret}?igsh={secret}" }}) {{ id }} }}'
        },
        "alias": {"query": f'{{ {secret}: user(by: {{ username: "natgeo" }}) {{ id }} }}'},
        "unknown field": {"query": f"{{ {secret} }}"},
        "syntax error": {"query": f"{{ {secret}"},
        "comment": {"query": f'# {secret}\n{{ user(by: {{ username: "natgeo" }}) {{ id }} }}'},
        "operation name": {"query": "query A { __typename } query B { __typename }", "operationName": secret},
        "persisted hash": {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": secret}}},
        "document id": {"documentId": secret},
        "extension": {"query": "{ __typename }", "extensions": {secret: secret, "traceparent": secret}},
        "member": {"query": "{ __typename }", secret: secret},
        "price": {"query": f'{{ price(document: "{{ {secret} }}") {{ expected }} }}'},
    }


def headers(secret: str) -> dict[str, dict[str, str]]:
    return {
        "none": {},
        "wrong key": {"x-api-key": secret},
        "bearer": {"authorization": f"Bearer {secret}"},
        "cookie": {**GOOD, "cookie": f"session={secret}"},
        "host": {**GOOD, "host": f"{secret}.test"},
        "user agent": {**GOOD, "user-agent": secret, "referer": f"https://a.test/?{secret}"},
        "parent": {**GOOD, "traceparent": f"00-{secret}-01"},
        "baggage": {**GOOD, "baggage": f"key={secret}", "x-forwarded-for": secret},
        "limit": {**GOOD, "x-billing-limit": secret},
        "accept": {**GOOD, "accept": f"text/{secret}"},
        "content type": {**GOOD, "content-type": f"text/{secret}"},
    }


REQUESTS = st.builds(
    Sent,
    st.sampled_from(sorted(bodies(""))).map(bodies(SECRET).__getitem__),
    st.one_of(st.just(GOOD), st.sampled_from(sorted(headers(""))).map(headers(SECRET).__getitem__)),
    st.sampled_from(["/graphql", f"/graphql?query={{{SECRET}}}", f"/graphql?token={SECRET}"]),
)


def texts(spans: tuple[ReadableSpan, ...]) -> Iterator[str]:
    """All that spans say: names, attributes, events, states and the resource."""
    for span in spans:
        yield span.to_json()
        yield json.dumps(dict(span.resource.attributes), default=str)


def test_no_part_of_a_request_is_in_a_span(tmp_path: Path) -> None:
    """But for the name of an operation in a valid document."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner, contextlib.ExitStack() as stack:
        settings = Settings(allowed_hosts=frozenset({"gateway.test"}))
        gateway = stack.enter_context(entered(runner, traced(tmp_path, clients={"web": Terms()}, settings=settings)))

        @given(st.lists(REQUESTS, min_size=1, max_size=3), st.booleans())
        def check(sent: list[Sent], by_socket: bool) -> None:
            gateway.recorder.taken()
            runner.run(over_socket(gateway, sent) if by_socket else over_http(gateway, sent))
            assert gateway.recorder.spans
            assert [text for text in texts(gateway.recorder.spans) if SECRET in text] == []

        check()


@contextlib.contextmanager
def entered(runner: asyncio.Runner, manager: contextlib.AbstractAsyncContextManager[Traced]) -> Iterator[Traced]:
    yield runner.run(manager.__aenter__())
    runner.run(manager.__aexit__(None, None, None))


async def over_http(gateway: Traced, sent: list[Sent]) -> None:
    for one in sent:
        content = json.dumps(one.body).encode()
        headers = {"content-type": "application/json", **one.headers}
        await gateway.client.post(one.path, content=content, headers=headers)
        await gateway.client.get("/graphql", params={"query": str(one.body.get("query"))}, headers=one.headers)


async def over_socket(gateway: Traced, sent: list[Sent]) -> None:
    await gateway.query("{ __typename }")
    async with Socket(gateway.app) as socket:
        await socket.init(**GOOD, secret=SECRET, traceparent=SECRET)
        for at, one in enumerate(sent):
            await socket.send(type="subscribe", id=f"{SECRET}{at}", payload=dict(one.body))
        await asyncio.sleep(100)


WRITE = """mutation($input: CreateHighlightInput!) {
  createHighlight(input: $input) { flow { id state } userErrors { field } highlight { title } }
}"""


async def test_nothing_of_a_write_is_in_a_span(tmp_path: Path) -> None:
    clock, recorder = FlowingClock(), SpanRecorder()
    media = {
        "account": "787132",
        "title": SECRET,
        "media": [{"url": f"https://{SECRET}.example.com/1.jpg?sig={SECRET}"}],
    }
    async with running_gateway(tmp_path, clock=clock, traces=recorder.export(clock)) as gateway:
        gateway.at_once()
        await gateway.knows_its_accounts()
        done = await gateway.query(WRITE, {"input": {**media, "idempotencyKey": SECRET}})
        assert done.data["createHighlight"]["highlight"] == {"title": SECRET}
        await gateway.query(WRITE, {"input": {**media, "account": SECRET, "idempotencyKey": "x"}})
    assert {"mutation", "POST"} <= {span.name for span in recorder.spans}
    assert [text for text in texts(recorder.spans) if SECRET in text] == []


async def test_the_search_finds_what_is_planted() -> None:
    recorder = SpanRecorder()
    export = recorder.export(FlowingClock())
    async with export.running():
        export.tracer.start("query", Kind.SERVER, attributes={Attribute.CLIENT: SECRET}).end()
    assert any(SECRET in text for text in texts(recorder.spans))
