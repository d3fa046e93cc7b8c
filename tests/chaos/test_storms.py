"""Whole processes are killed in the middle of everything, and each key is one highlight all the same."""

from __future__ import annotations

import random
from pathlib import Path

from tests.chaos.house import Database, Plan
from tests.chaos.orders import drawn
from tests.chaos.storm import storm


async def test_each_key_is_exactly_one_highlight_whatever_is_killed(tmp_path: Path, database: Database | None) -> None:
    plan = Plan(seconds=24.0, limit=200.0, random_kills=19, starts_to_kill=4, rounds=1, database=database, seed=1)
    tally = await storm(plan, drawn(60, random.Random(1)), tmp_path)
    assert tally.problems == []
    assert tally.kills["at random"] >= 15
    assert tally.doubled == 0


async def test_where_the_upstream_knows_no_keys_a_double_is_told(tmp_path: Path) -> None:
    """An upstream that carries out what was given up long ago cannot be kept from making a double."""
    plan = Plan(
        dialect="aiograpi", gateways=1, seconds=20.0, limit=200.0, random_kills=6, starts_to_kill=1, rounds=1, seed=2
    )
    tally = await storm(plan, drawn(30, random.Random(2)), tmp_path)
    assert tally.problems == []
    assert tally.doubled > 0
