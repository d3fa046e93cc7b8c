"""Operations at the same time buy once what they have in common."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fakes.gateway import running_gateway

TRAY = '{ user(by: { username: "natgeo" }) { id highlights { totalCount } } }'
ITEMS = '{ user(by: { username: "natgeo" }) { highlights { nodes { items { totalCount } } } } }'


async def test_fifty_identical_operations_at_once_make_one_call(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answers = await asyncio.gather(*(gateway.query(TRAY) for _ in range(50)))
        assert {str(answer.data) for answer in answers} == {str(answers[0].data)}
        assert gateway.calls == {"tray_by_username": 1}
        assert gateway.billed == 3


async def test_one_of_twenty_pays_and_the_others_are_told_what_they_saved(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answers = await asyncio.gather(*(gateway.query(TRAY) for _ in range(20)))
        bills = [(answer.charged, answer.billing["savedBySharing"]) for answer in answers]
        assert sorted(bills) == [(0, 3)] * 19 + [(3, 0)]
        assert gateway.billed == 3


async def test_operations_share_what_they_have_in_common_only(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        await asyncio.gather(*(gateway.query(document) for document in (TRAY, ITEMS, TRAY, ITEMS)))
        assert gateway.calls == {"tray_by_username": 1, "highlight": 3}
        assert gateway.billed == 6


async def test_a_shared_call_that_fails_fails_for_all_and_is_charged_once(tmp_path: Path) -> None:
    unknown = '{ user(by: { username: "nobody.here" }) { id highlights { totalCount } } }'
    async with running_gateway(tmp_path) as gateway:
        answers = await asyncio.gather(*(gateway.query(unknown) for _ in range(10)))
        assert [answer.errors for answer in answers] == [[("user", "NOT_FOUND")]] * 10
        assert gateway.billed == 3


async def test_budgets_do_not_stand_in_the_way_of_sharing(tmp_path: Path) -> None:
    """Who shares pays nothing, and what is cached fits into any limit."""
    async with running_gateway(tmp_path) as gateway:
        rich, poor = await asyncio.gather(gateway.query(TRAY), gateway.query(TRAY, headers={"X-Billing-Limit": "3"}))
        assert sorted([rich.charged, poor.charged]) == [0, 3]
        again = await gateway.query(TRAY, headers={"X-Billing-Limit": "0"})
        assert (again.charged, again.errors) == (0, [])
