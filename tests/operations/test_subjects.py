"""A message names what was asked, by the name that it was asked by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import InvalidInput, NotFound
from gateway.sandbox.faults import Status
from tests.fakes.gateway import Answer, RunningGateway, running_gateway

PRIVATE = "2244000076"
TRAYS = '{ users(by: [{username: "Private.Person"}, {id: %s}]) { id highlights { totalCount } } }'


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[RunningGateway]:
    async with running_gateway(tmp_path) as running:
        yield running


def messages(answer: Answer) -> list[str]:
    return [error["message"] for error in answer.body["errors"]]


async def test_who_is_asked_for_by_name_and_by_id_has_both(gateway: RunningGateway) -> None:
    told = [f"User '{name}' belongs to a private account." for name in ("private.person", PRIVATE)]
    for _ in range(2):  # what is remembered, too
        assert messages(await gateway.query(TRAYS % PRIVATE)) == told
    by_url = await gateway.query('{ user(by: {url: "instagram.com/private.person"}) { highlights { totalCount } } }')
    assert messages(by_url) == told[:1]


async def test_trouble_with_the_upstream_names_it_alike(gateway: RunningGateway) -> None:
    gateway.sandbox.faults.lay(Status(status=400, endpoint="/v1/user/highlights"))
    answer = await gateway.query(TRAYS % PRIVATE)
    told = [f"The upstream did not accept the request for user '{name}'." for name in ("private.person", PRIVATE)]
    assert messages(answer) == told


def test_what_is_no_name_of_the_same_stays() -> None:
    problem = NotFound("User '1' was not found: user '1'.")
    problem.subject = "user '1'"
    renamed = problem.about("user 'natgeo'")
    assert (type(renamed), renamed.message) == (NotFound, "User 'natgeo' was not found: user 'natgeo'.")
    assert str(renamed) == renamed.message
    assert (problem.message, renamed.extensions) == ("User '1' was not found: user '1'.", problem.extensions)
    assert problem.about("highlight '2'") is problem
    assert problem.about("user '1'") is problem
    other = InvalidInput("by.id must be a number.", field="by.id")
    assert other.about("user '2'") is other
