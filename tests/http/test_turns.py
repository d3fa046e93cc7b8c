"""However many requests come at once, others have their turn: the loop is held no longer than by one of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from tests.fakes.gateway import Answer, RunningGateway
from tests.http.counted import Work, work_of

AT_ONCE = 6
Asked: TypeAlias = tuple[str, dict[str, Any] | None]


def fragments(number: int) -> Asked:
    links = [f"fragment F{at}x{number} on User {{ id username ...F{at + 1}x{number} }}" for at in range(12)]
    last = f"fragment F12x{number} on User {{ id }}"
    return " ".join([f'{{ user(by: {{ id: "9{number}" }}) {{ ...F0x{number} }} }}', *links, last]), None


def literals(number: int) -> Asked:
    keys = ", ".join(f'{{ id: "{number}{at:03}" }}' for at in range(60))
    return f"{{ users(by: [{keys}]) {{ id q{number}: username }} }}", None


def unknown_fields(number: int) -> Asked:
    return "{ " + " ".join(f"a{number}x{at}: nope{at}(x: 1) {{ id }}" for at in range(45)) + " }", None


def bad_variables(number: int) -> Asked:
    return "query ($by: UserBy!) { user(by: $by) { id } }", {"by": {f"x{number}y{at}": at for at in range(600)}}


def dear(number: int) -> Asked:
    """Refused for what it costs."""
    by = [{"id": str(1_000 * number + at + 1)} for at in range(300)]
    return "query ($by: [UserBy!]!) { users(by: $by) { biography } }", {"by": by}


def introspection(number: int) -> Asked:
    return f"{{ __schema {{ types {{ name f{number}: fields {{ name }} }} }} }}", None


KINDS: dict[str, Callable[[int], Asked]] = {
    kind.__name__: kind for kind in (fragments, literals, unknown_fields, bad_variables, dear, introspection)
}


async def ask(gateway: RunningGateway, asked: Asked) -> Answer:
    return await gateway.query(*asked, headers={"X-Billing-Limit": "1"})


async def work_at_once(gateway: RunningGateway, *asked: Asked) -> Work:
    return await work_of(asyncio.gather(*(ask(gateway, one) for one in asked)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_requests_that_come_at_once_are_answered_in_turns(
    gateway: RunningGateway, kind: Callable[[int], Asked]
) -> None:
    await ask(gateway, kind(1))
    one = await work_at_once(gateway, kind(2))
    several = await work_at_once(gateway, *(kind(at + 3) for at in range(AT_ONCE)))
    assert several.calls > (AT_ONCE - 2) * one.calls
    assert several.longest < 2.5 * one.longest  # what each does before its first turn is short, and done at once


async def test_a_new_document_is_read_once_for_all_who_wait_for_it(gateway: RunningGateway) -> None:
    await ask(gateway, fragments(1))
    one = await work_at_once(gateway, fragments(2))
    known = await work_at_once(gateway, *[fragments(2)] * AT_ONCE)
    new = await work_at_once(gateway, *[fragments(3)] * AT_ONCE)
    assert new.calls - known.calls < 1.5 * one.calls


async def test_a_text_that_may_have_a_subscription_is_parsed_once(gateway: RunningGateway) -> None:
    """Its kind has to be known before it is run."""
    await ask(gateway, fragments(1))
    without = await work_at_once(gateway, fragments(2))
    text, variables = fragments(3)
    named = await work_at_once(gateway, (text + " # no subscription", variables))
    assert named.calls < 1.03 * without.calls
    broken = [await work_at_once(gateway, (text + end, variables)) for end in ("} # none", "} # no subscription")]
    assert broken[1].calls < 1.1 * broken[0].calls


async def test_large_bodies_that_come_at_once_are_read_in_turns(gateway: RunningGateway) -> None:
    body = json.dumps({"query": "{ __typename }", "variables": {"a": [[]] * 30_000}}).encode()
    turns = [await _turns(gateway, body, count) for count in (1, AT_ONCE)]
    assert turns[1] > turns[0] + (AT_ONCE - 1) * 8


async def _turns(gateway: RunningGateway, body: bytes, count: int) -> int:
    headers = {"content-type": "application/json"}
    posts = (gateway.client.post("/graphql", content=body, headers=headers) for _ in range(count))
    asking, turns = asyncio.gather(*posts), 0
    while not asking.done():
        turns += 1
        await asyncio.sleep(0)
    assert {answer.status_code for answer in asking.result()} == {200}
    return turns


async def test_what_was_answered_before_does_not_wait_for_new_documents(gateway: RunningGateway) -> None:
    known: Asked = ("{ __typename }", None)
    await ask(gateway, known)
    new = [asyncio.create_task(ask(gateway, fragments(at))) for at in range(AT_ONCE)]
    await ask(gateway, known)
    assert sum(task.done() for task in new) <= 1
    await asyncio.gather(*new)


async def test_others_have_turns_between_the_fields_of_a_mutation(gateway: RunningGateway) -> None:
    """Each makes objects of the whole of its input."""
    given = {"account": "1", "title": "", "media": [{"mediaId": "1"}] * 100, "idempotencyKey": "key"}
    works = []
    for count in (1, AT_ONCE):
        fields = " ".join(f"a{at}: createHighlight(input: $input) {{ userErrors {{ code }} }}" for at in range(count))
        asked = f"mutation ($input: CreateHighlightInput!) {{ {fields} }}", {"input": given}
        await ask(gateway, asked)
        works.append(await work_at_once(gateway, asked))
    one, several = works
    assert several.calls > AT_ONCE // 2 * one.calls
    assert several.longest < 2 * one.longest


BUY = "query ($by: [UserBy!]!) { users(by: $by) { biography } }"


def keys(count: int, first: int) -> dict[str, Any]:
    return {"by": [{"id": str(7_000_000_000 + first + at)} for at in range(count)]}


async def test_others_have_turns_while_many_calls_are_made(gateway: RunningGateway) -> None:
    await gateway.query(BUY, keys(1, 0))
    few, many = [await work_of(gateway.query(BUY, keys(count, 1_000 * count))) for count in (60, 180)]
    assert many.calls > 2.5 * few.calls
    assert many.longest < 1.5 * few.longest


async def test_what_others_bought_meanwhile_is_not_bought_again(gateway: RunningGateway) -> None:
    """The calls of each are begun in several turns of the loop."""
    wanted = [keys(90, 0), keys(90, 45), keys(90, 0)]
    answers = await asyncio.gather(*(gateway.query(BUY, each) for each in wanted))
    assert gateway.billed == sum(answer.charged for answer in answers) == 135
