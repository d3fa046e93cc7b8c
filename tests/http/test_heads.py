"""Whatever stands in a head, to look at it is little work: it is done before anybody is asked for a key."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.http.negotiation import LONGEST_ACCEPTED, Accepted, ResponseType, negotiate
from gateway.http.request_parsing import LONGEST_TYPE, MOST_PARAMETERS
from gateway.settings import Settings
from tests.fakes.gateway import RunningGateway, Terms, key_of, running_gateway
from tests.http.counted import work_of

# As long as the server takes a line of a head.
LONGEST = 60_000
# Function calls: a request that is refused makes some five hundred, one of the largest body some thousands.
MOST_CALLS = 8_000
PATHS = ("/", "/graphql", "/healthz", "/readyz", "/version", "/media/none", "/webhooks/platform", "/sandbox/cdn/none")
LISTED = (
    *("accept", "accept-encoding", "accept-language", "authorization", "baggage", "content-type", "cookie", "expect"),
    *("if-none-match", "origin", "range", "traceparent", "tracestate", "x-api-key", "x-forwarded-for"),
)
MEMBERS = ("a,", "a;", 'a="b";', '"a",', 'W/"a",', "*/*;q=0.1,", "bytes=0-1,", "a=b&")
FORM = {"content-type": "multipart/form-data; boundary=b;" + "a;" * (LONGEST // 2)}


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """For clients with keys, of which those who ask here have none."""
    settings = dataclasses.replace(
        Settings(),
        allowed_origins=frozenset({"https://app.test"}),
        platform_app_secret="of-the-app",  # pragma: allowlist secret
        platform_verify_token="of-the-app",
    )
    clients = {"any": Terms(("read", "write"))}
    async with running_gateway(tmp_path, settings=settings, clients=clients, all_heard=False) as running:
        yield running


def filled(member: str) -> str:
    return member * (LONGEST // len(member))


@pytest.mark.no_cover  # a trace function of its own
@pytest.mark.parametrize("path", PATHS)
async def test_thousands_of_members_of_a_header_are_little_work(gateway: RunningGateway, path: str) -> None:
    for name in LISTED:
        for member in MEMBERS:
            work = await work_of(gateway.client.get(path, headers={name: filled(member)}))
            assert work.calls < MOST_CALLS, (name, member)


@pytest.mark.no_cover  # a trace function of its own
@pytest.mark.parametrize("path", PATHS)
async def test_thousands_of_parameters_of_a_url_are_little_work(gateway: RunningGateway, path: str) -> None:
    for member in ("a&", "a=b&", "a=%20&", "query=&", "&"):
        request = gateway.client.build_request("GET", path)
        request.url = request.url.copy_with(query=filled(member).encode())
        work = await work_of(gateway.client.send(request))
        assert work.calls < MOST_CALLS, member


@pytest.mark.no_cover  # a trace function of its own
async def test_thousands_of_parameters_of_a_form_are_little_work(gateway: RunningGateway) -> None:
    headers = {**FORM, "x-api-key": key_of("any")}
    work = await work_of(gateway.client.post("/graphql", content=b"--b--\r\n", headers=headers))
    assert work.calls < MOST_CALLS


async def test_a_url_of_more_parameters_than_may_be_is_refused(gateway: RunningGateway) -> None:
    keyed = {"x-api-key": key_of("any")}
    few = "&".join(["query={__typename}", *["a=b"] * (MOST_PARAMETERS - 1)])
    answers = [await gateway.client.get(f"/graphql?{query}", headers=keyed) for query in (few, f"{few}&a=b")]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    health = [await gateway.client.get(f"/readyz?{query}") for query in (few, f"{few}&a=b")]
    assert [answer.status_code for answer in health] == [200, 400]


async def test_a_content_type_that_is_too_long_is_none(gateway: RunningGateway) -> None:
    typed = {"x-api-key": key_of("any"), "content-type": "application/json;" + " " * LONGEST_TYPE}
    answer = await gateway.client.post("/graphql", content=b'{"query": "{__typename}"}', headers=typed)
    assert answer.status_code == 415


async def test_a_form_with_such_a_type_is_refused(gateway: RunningGateway) -> None:
    answer: httpx.Response = await gateway.client.post(
        "/graphql", content=b"--b--\r\n", headers={**FORM, "x-api-key": key_of("any")}
    )
    assert answer.status_code == 400


def test_an_accept_that_is_too_long_is_none() -> None:
    graphql = "application/graphql-response+json"
    assert negotiate(graphql.ljust(LONGEST_ACCEPTED)).single is ResponseType.GRAPHQL
    assert negotiate(graphql.ljust(LONGEST_ACCEPTED + 1)) == negotiate(None) == Accepted(ResponseType.JSON, page=False)
