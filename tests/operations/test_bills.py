"""What an answer says about its own cost: extensions, headers, and the refusals of who may not spend."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fakes.gateway import Terms, details, running_gateway

TRAY = "query Tray($name: String!) { user(by: { username: $name }) { id highlights { totalCount } } }"
ITEMS = '{ user(by: { username: "integer.pk" }) { highlights { nodes { id items { totalCount } } } } }'
KEYED = {"web": Terms(allowance={"minute": 5, "day": 100}, ceiling=4), "rich": Terms()}


async def test_the_bill_says_what_was_paid_saved_and_is_left(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=KEYED) as gateway:
        answer = await gateway.query(TRAY, {"name": "natgeo"}, client="web")
        assert answer.billing == {
            "charged": 3,
            "expected": 3,
            "savedByCache": 0,
            "savedBySharing": 0,
            "budget": 4,
            "allowance": {"limit": 5, "remaining": 2, "resetsAt": "2026-03-12T08:36:00+00:00"},
        }
        assert answer.headers["x-billed-requests"] == "3"
        assert answer.headers["x-billing-remaining"] == "2"


async def test_with_explain_the_bill_lists_the_calls(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answer = await gateway.query(TRAY, {"name": "natgeo"}, headers={"X-Billing-Explain": "1"})
        (call,) = answer.billing["calls"]
        assert call.pop("seconds") >= 0
        assert call.pop("start") >= 0
        assert call == {
            "path": "user",
            "endpoint": "tray_by_username",
            "key": "natgeo",
            "price": 3,
            "charged": 3,
            "state": "BOUGHT",
            "waited": 0,
            "attempts": 1,
            "error": None,
        }


async def test_explained_states_tell_bought_shared_and_refused_apart(tmp_path: Path) -> None:
    explain = {"X-Billing-Explain": "1"}
    async with running_gateway(tmp_path) as gateway:
        both = await asyncio.gather(*(gateway.query(TRAY, {"name": "natgeo"}, headers=explain) for _ in range(2)))
        assert sorted(call["state"] for answer in both for call in answer.billing["calls"]) == ["BOUGHT", "SHARED"]
        cut = await gateway.query(ITEMS, headers={**explain, "X-Billing-Limit": "4"})
        states = [(call["state"], call["error"]) for call in cut.billing["calls"]]
        assert states == [("BOUGHT", None)] * 2 + [("REFUSED", "BUDGET_EXCEEDED")] * 3


async def test_a_call_for_which_the_account_has_no_money_is_refused_and_not_bought(tmp_path: Path) -> None:
    """The upstream says so by 402, before the gateway has read it from the balance."""
    explain = {"X-Billing-Explain": "1"}
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY, {"name": "integer.pk"})
        await gateway.knows_its_balance()
        billed, gateway.sandbox.balance = gateway.billed, 0
        both = await asyncio.gather(*(gateway.query(TRAY, {"name": "natgeo"}, headers=explain) for _ in range(2)))
    assert gateway.billed == billed
    for answer in both:
        told = {(call["state"], call["charged"], call["error"]) for call in answer.billing["calls"]}
        assert told == {("REFUSED", 0, "INSUFFICIENT_FUNDS")}
        assert (answer.charged, answer.billing["savedBySharing"]) == (0, 0)


async def test_a_header_lowers_the_clients_ceiling_and_never_raises_it(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=KEYED) as gateway:
        limits = {"2": 2, "4": 4, "99": 4}
        for asked, expected in limits.items():
            answer = await gateway.query("{ allowance { ceiling } }", client="web", headers={"X-Billing-Limit": asked})
            assert answer.billing["budget"] == expected


async def test_a_refusal_names_price_limit_and_when_to_come_back(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=KEYED) as gateway:
        over = await gateway.query(TRAY, {"name": "natgeo"}, client="web", headers={"X-Billing-Limit": "1"})
        (error,) = over.body["errors"]
        assert details(error) == {"code": "BUDGET_EXCEEDED", "price": 3, "limit": 1, "remaining": 1}
        await gateway.query(TRAY, {"name": "natgeo"}, client="web")
        spent = await gateway.query(TRAY, {"name": "integer.pk"}, client="web")
        (error,) = spent.body["errors"]
        assert details(error) == {
            "code": "ALLOWANCE_EXCEEDED",
            "price": 3,
            "remaining": 2,
            "resetsAt": "2026-03-12T08:36:00+00:00",
            "retryAfter": 34.0,
        }


async def test_clients_spend_from_their_own_allowance(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, clients=KEYED) as gateway:
        await gateway.query(TRAY, {"name": "natgeo"}, client="web")
        await gateway.query(TRAY, {"name": "integer.pk"}, client="rich")
        answer = await gateway.query("{ allowance { client spent remaining } }", client="web")
        assert answer.data["allowance"] == {"client": "web", "spent": 3, "remaining": 2}
        answer = await gateway.query("{ allowance { client spent remaining } }", client="rich")
        assert answer.data["allowance"] == {"client": "rich", "spent": None, "remaining": None}


@pytest.mark.parametrize("key", [None, "key-of-nobody"])
async def test_without_a_known_key_nothing_is_answered(tmp_path: Path, key: str | None) -> None:
    async with running_gateway(tmp_path, clients=KEYED) as gateway:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        answer = await gateway.query(TRAY, {"name": "natgeo"}, headers=headers)
        assert answer.status == 401
        assert answer.errors == [("", "UNAUTHENTICATED")]


async def test_a_mended_operation_pays_for_the_rest_only(tmp_path: Path) -> None:
    """What was bought before the budget ran out is kept. A limit that cannot buy the rest is refused beforehand."""
    async with running_gateway(tmp_path) as gateway:
        answers = [await gateway.query(ITEMS, headers={"X-Billing-Limit": limit}) for limit in ("4", "2", "3", "0")]
        assert [answer.charged for answer in answers] == [4, 0, 3, 0]
        assert [len(answer.errors) for answer in answers] == [3, 1, 0, 0]
        assert answers[3].billing["savedByCache"] == 7


async def test_an_operation_goes_on_when_the_upstream_account_runs_out(tmp_path: Path) -> None:
    """What is cached is answered; the rest says INSUFFICIENT_FUNDS, and is not charged."""
    async with running_gateway(tmp_path) as gateway:
        await gateway.query(TRAY, {"name": "natgeo"})
        await gateway.knows_its_balance()
        gateway.sandbox.balance = 0
        assert (await gateway.query(TRAY, {"name": "natgeo"})).errors == []
        assert (await gateway.query(TRAY, {"name": "integer.pk"})).errors == [("user", "INSUFFICIENT_FUNDS")]


async def test_what_a_memory_of_where_things_are_saved_is_saved_by_the_cache(tmp_path: Path) -> None:
    """The entries are gone, but whose highlights they are is known: their owner's tray is less than each of them."""
    tray = '{ user(by: { id: "787132" }) { highlights { nodes { id } } } }'
    asked = "query ($ids: [ID!]!) { highlights(ids: $ids) { title } }"
    async with running_gateway(tmp_path) as gateway:
        nodes = (await gateway.query(tray)).data["user"]["highlights"]["nodes"]
        gateway.clock.advance(30 * 86_400)
        answers = [await gateway.query(asked, {"ids": [node["id"] for node in nodes]}) for _ in range(2)]
        assert [len(nodes), *(answer.billing["charged"] for answer in answers)] == [3, 2, 0]
        assert [answer.billing["savedByCache"] for answer in answers] == [1, 3]
