"""However many mistakes a request makes, few are told, each in few words, and to find them is no more work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from graphql import Source
from hypothesis import given
from hypothesis import strategies as st

from gateway.operations.client_errors import (
    LONGEST_MESSAGE,
    MORE,
    MOST_ENTRIES,
    MOST_IN_A_VALUE,
    MOST_MISTAKES,
    MOST_PLACES,
    MOST_WRITTEN,
)
from gateway.operations.parsing import Lined
from gateway.settings import Settings
from tests.fakes.gateway import Answer, RunningGateway, details, running_gateway
from tests.http.counted import work_of

Request: TypeAlias = tuple[str, dict[str, Any]]
USER = "query Q($by: UserBy!) { user(by: $by) { id } }"
USERS = "query Q($by: [UserBy!]!) { users(by: $by) { id } }"
CREATE = "mutation C($input: CreateHighlightInput!) { createHighlight(input: $input) { flow { id } } }"
PRICE = "query P($document: String!, $variables: JSON) { price(document: $document, variables: $variables) { lower } }"
FEW, MANY = 60, 600
# Of an answer to nothing but mistakes.
MOST_BYTES = 20_000


def fields(count: int) -> dict[str, Any]:
    return {f"field{at}": at for at in range(count)}


def each(count: int, text: str) -> str:
    return " ".join(text.replace("#", str(at)) for at in range(count))


# By what is wrong: requests with more and more mistakes, within the limits of documents and lists.
WRONG: dict[str, Callable[[int], Request]] = {
    "unknown fields": lambda count: (USER, {"by": fields(count)}),
    "long names": lambda count: (USER, {"by": {"x" * 1_000 + str(at): 1 for at in range(count)}}),
    "large values": lambda count: (USER, {"by": {"a": [fields(count)] * 9, **fields(count)}}),
    "objects in a list": lambda count: (USERS, {"by": [{"name": "x" * 300}] * count}),
    "two fields where one may be": lambda count: (USERS, {"by": [{"id": "1", "url": "x" * 300}] * count}),
    "no objects": lambda count: (USERS, {"by": [["x" * 30] * 10] * count}),
    "fields of inner objects": lambda count: (CREATE, {"input": {"cover": fields(count), "media": fields(count)}}),
    "scalars": lambda count: (CREATE, {"input": {"media": [{"url": "no url" * 50}] * (count // 3)}}),
    "fields of a literal": lambda count: (f"{{ user(by: {{ {each(count, 'f#: 1')} }}) {{ id }} }}", {}),
    "objects in a literal": lambda count: (f"{{ users(by: [{each(count // 2, '{f: 1}')}]) {{ id }} }}", {}),
    "literals": lambda count: (f"{{ {each(count // 20, 'a#: price(document: #) { lower }')} }}", {}),
    "selected fields": lambda count: (f"{{ {each(count // 15, 'f#')} }}", {}),
    "variables of one name": lambda count: (f"query ({each(count // 2, '$a: ID')}) {{ __typename }}", {}),
}


def told(answer: Answer) -> list[str]:
    return [error["message"] for error in answer.body["errors"]]


@pytest.mark.parametrize("what", WRONG)
async def test_of_mistakes_a_bounded_number_is_told_in_bounded_messages(gateway: RunningGateway, what: str) -> None:
    answer = await gateway.query(*WRONG[what](MANY))
    assert 0 < len(told(answer)) <= MOST_MISTAKES + 1
    assert max(map(len, told(answer))) <= LONGEST_MESSAGE
    assert max(len(error.get("locations", ())) for error in answer.body["errors"]) <= MOST_PLACES
    assert len(json.dumps(answer.body)) < MOST_BYTES
    assert {code for _, code in answer.errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert answer.data is None


@pytest.mark.parametrize("what", WRONG)
async def test_ten_times_the_mistakes_are_at_most_twelve_times_the_work(gateway: RunningGateway, what: str) -> None:
    await gateway.query(*WRONG[what](1))
    few, many = [await work_of(gateway.query(*WRONG[what](count))) for count in (FEW, MANY)]
    assert many.calls <= 12 * few.calls


@pytest.mark.parametrize("what", ["unknown fields", "long names", "large values", "fields of inner objects"])
async def test_mistakes_that_are_not_told_are_hardly_any_work(gateway: RunningGateway, what: str) -> None:
    """Each message shows the object that it is about, so to make one of each mistake would be quadratic."""
    await gateway.query(*WRONG[what](1))
    few, many = [await work_of(gateway.query(*WRONG[what](count))) for count in (FEW, MANY)]
    assert many.calls <= 2 * few.calls


async def test_the_last_message_says_that_there_are_more(gateway: RunningGateway) -> None:
    for what in ("unknown fields", "selected fields"):
        *_, last = told(await gateway.query(*WRONG[what](MANY)))
        assert last.startswith("Too many")
    *_, last = messages = told(await gateway.query(*WRONG["fields of a literal"](MANY)))
    assert (len(messages), last) == (MOST_IN_A_VALUE + 1, MORE)


async def test_few_mistakes_are_all_told(gateway: RunningGateway) -> None:
    first, second = told(await gateway.query(USER, {"by": {"a": 1, "b": 2}}))[:2]
    assert "unknown field 'a', found: {'a': 1, 'b': 2}" in first
    assert "unknown field 'b'" in second
    assert (
        len(told(await gateway.query("{ a b user(by: {c: 1}) { id } }"))) == 4
    )  # the last: no field of UserBy is given


async def test_only_trusted_documents_are_no_way_around(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"user": USER}))
    settings = Settings(documents="trusted", documents_file=manifest)
    async with running_gateway(tmp_path, settings=settings) as gateway:
        answer = await gateway.query(*WRONG["unknown fields"](MANY))
        assert len(told(answer)) == MOST_MISTAKES + 1
        assert len(json.dumps(answer.body)) < MOST_BYTES


async def test_a_subscription_tells_one_mistake(gateway: RunningGateway) -> None:
    document = "subscription S($id: ID!) { flow(id: $id) { id } }"
    body = {"query": document, "variables": {"id": {"x": fields(MANY)}}}
    response = await gateway.client.post("/graphql", json=body, headers={"accept": "text/event-stream"})
    assert response.text.count('"message"') == 1
    assert len(response.text) < MOST_BYTES


@pytest.mark.parametrize(
    ("document", "variables"),
    [
        (USER, {"by": {"x" * 100_000: 1}}),
        ("{ user(by: {" + each(300, "unknown#: 1") + "}) { id } }", {}),
        ('{ user(by: "' + "x" * 50_000 + '") { id } }', {}),
        ("{ nothing" + '"' + "x" * 50_000, {}),
    ],
)
async def test_a_price_tells_no_more(gateway: RunningGateway, document: str, variables: dict[str, Any]) -> None:
    answer = await gateway.query(PRICE, {"document": document, "variables": variables})
    assert answer.errors == [("price", "BAD_USER_INPUT")]
    assert len(told(answer)[0]) <= LONGEST_MESSAGE


UPDATE = "mutation U($input: UpdateHighlightInput!) { updateHighlight(input: $input) { userErrors { code } } }"


async def test_lists_in_variables_have_an_end_wherever_they_stand(gateway: RunningGateway) -> None:
    media = {"input": {"media": [{"mediaId": "1"}] * (MOST_ENTRIES + 1)}}
    answer = await gateway.query(CREATE, media)
    (error,) = answer.body["errors"]
    assert details(error) == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "entries",
        "most": MOST_ENTRIES,
        "value": MOST_ENTRIES + 1,
    }
    priced = await gateway.query(PRICE, {"document": CREATE, "variables": media})
    assert priced.errors == [("price", "OPERATION_TOO_COMPLEX")]


@pytest.mark.parametrize("field", ["media", "add", "remove"])
async def test_a_list_to_write_has_an_end_before_anything_is_made_of_it(gateway: RunningGateway, field: str) -> None:
    entry = "1" if field == "remove" else {"mediaId": "1"}
    answer = await gateway.query(
        CREATE if field == "media" else UPDATE, {"input": {field: [entry] * (MOST_WRITTEN + 1)}}
    )
    (error,) = answer.body["errors"]
    assert details(error) == {
        "code": "OPERATION_TOO_COMPLEX",
        "limit": "written list",
        "most": MOST_WRITTEN,
        "value": MOST_WRITTEN + 1,
    }


async def test_a_scalar_that_does_not_fit_is_the_clients_mistake(gateway: RunningGateway) -> None:
    for url in ("no url", "http://[", 7, None):
        answer = await gateway.query(CREATE, {"input": {"media": [{"url": url}]}})
        assert {code for _, code in answer.errors} == {"GRAPHQL_VALIDATION_FAILED"}


async def test_errors_do_not_count_the_lines_of_a_document_anew(gateway: RunningGateway) -> None:
    """Each of them tells its line, and a list may have a thousand."""
    bad = {"by": [{"id": "x"}] * 200}
    documents = ["\n" * lines + USERS for lines in (0, 4_000)]
    for document in documents:
        assert (await gateway.query(document, bad)).body["errors"][-1]["locations"] == [
            {"line": document.count("\n") + 1, "column": USERS.index("users") + 1}
        ]
    few, many = [await work_of(gateway.query(document, bad)) for document in documents]
    assert many.calls < few.calls + 10_000


@given(st.text(alphabet="ab\r\n\u2028", max_size=30))
def test_lines_are_counted_as_graphql_counts_them(text: str) -> None:
    for position, character in enumerate(text):
        if character not in "\r\n":
            assert Lined(text).get_location(position) == Source(text).get_location(position)
