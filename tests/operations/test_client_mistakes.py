"""A client's mistake is told as one, with a code that says so, and is never a bug of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import RunningGateway, details, running_gateway

DIGITS = "9" * 400
LARGE = int(DIGITS)
CREATE = """
mutation Create($media: [MediaInput!]!, $title: String! = "Reef") {
  createHighlight(input: {account: "787132", title: $title, media: $media, idempotencyKey: "k", waitSeconds: 0}) {
    userErrors { field code }
  }
}
"""
LITERAL = CREATE.replace("$media: [MediaInput!]!, ", "").replace("media: $media", "media: [%s]")
ONE_URL = "mutation Create($u: URL!) {" + LITERAL.partition("{")[2].replace("$title", '"Reef"') % "{url: $u}"
ONE_FILE = "mutation Create($u: Upload!) {" + LITERAL.partition("{")[2].replace("$title", '"Reef"') % "{file: $u}"
PAGE = "query Page($first: Int) { user(by: {id: 787132}) { highlights(first: $first) { totalCount } } }"
LONG_PAGE = PAGE.replace("($first: Int)", "").replace("$first", DIGITS)
USER = "query User($id: ID!) { user(by: {id: $id}) { id } }"
LONG_ID = USER.replace("($id: ID!)", "").replace("$id", DIGITS)
NAME = "query User($name: String!) { user(by: {username: $name}) { id } }"
NO_URLS: tuple[object, ...] = (
    "//images.example.com/a.jpg",
    "images.example.com/a.jpg",
    "",
    "https://[",
    "a b",
    7,
    True,
    {},
    ["x"],
)
NO_FILES: tuple[object, ...] = ({}, {"name": "a.jpg"}, "x", 1, [], True)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        *((ONE_URL, {"u": url}) for url in NO_URLS),
        *((CREATE, {"media": [{"url": url}]}) for url in NO_URLS),
        *((ONE_FILE, {"u": file}) for file in NO_FILES),
        *((CREATE, {"media": [{"file": file}]}) for file in NO_FILES),
        (LITERAL % '{url: "//images.example.com/a.jpg"}', {}),
        (LITERAL % "{file: {}}", {}),
        (LITERAL % '{file: "x"}', {}),
        (ONE_URL.replace("URL!", 'URL! = "//x"'), {}),
        (PAGE, {"first": LARGE}),
        (NAME, {"name": LARGE}),
        (LONG_PAGE, {}),
        (LONG_ID, {}),
        ('{ user(by: {username: "\\ud83d"}) { id } }', {}),
    ],
)
async def test_what_does_not_fit_its_type_is_the_clients_mistake(
    gateway: RunningGateway, query: str, variables: dict[str, Any]
) -> None:
    answer = await gateway.query(query, variables)
    codes = {error["extensions"]["code"] for error in answer.body["errors"]}
    assert codes <= {"GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "OPERATION_TOO_COMPLEX"}
    assert "data" not in answer.body
    assert gateway.billed == 0


@pytest.mark.parametrize("id_", [LARGE, -LARGE, "", "\u200b", "\uff11\uff12", "\0"])
async def test_an_id_that_is_none_names_its_field(gateway: RunningGateway, id_: object) -> None:
    answer = await gateway.query(USER, {"id": id_})
    assert details(answer.body["errors"][0]) == {"code": "BAD_USER_INPUT", "field": "by.id"}
    assert gateway.billed == 0


async def test_a_title_that_shows_nothing_is_told_by_its_field(gateway: RunningGateway) -> None:
    media = [{"url": "https://images.example.com/a.jpg"}]
    await gateway.knows_its_accounts()
    answer = await gateway.query(CREATE, {"media": media, "title": "\u200b"})
    (problem,) = answer.data["createHighlight"]["userErrors"]
    assert problem == {"field": ["input", "title"], "code": "REQUIRED"}


@pytest.mark.parametrize(
    "path", ["_u/", "_u/legal/", "legal/privacy/", "invites/contact/", "login/", "accounts/login/"]
)
async def test_a_link_to_a_page_costs_nothing(gateway: RunningGateway, path: str) -> None:
    query = "query User($url: String!) { user(by: {url: $url}) { id } }"
    answer = await gateway.query(query, {"url": f"https://www.instagram.com/{path}"})
    assert answer.errors == [("user", "BAD_USER_INPUT")]
    assert gateway.billed == 0
    linked = await gateway.query(query, {"url": "https://instagram.com/_u/natgeo"})
    assert linked.data == {"user": {"id": "787132"}}
