"""Whole processes are killed in the middle of everything, and each key is one highlight all the same."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tests.chaos.commands import drawn
from tests.chaos.harness import Database, Plan
from tests.chaos.load_run import storm
from tests.profiles import long_only, pick, scaled


@scaled
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=long_only)], indirect=True)
async def test_each_key_is_exactly_one_highlight_whatever_is_killed(tmp_path: Path, database: Database | None) -> None:
    plan = Plan(rounds=1, database=database, seed=1)
    plan = pick(
        replace(plan, seconds=6.0, limit=50.0, random_kills=3, starts_to_kill=2, most_points=1),
        replace(plan, seconds=24.0, limit=200.0, random_kills=19, starts_to_kill=4),
    )
    tally = await storm(plan, drawn(pick(14, 60), random.Random(1)), tmp_path)
    assert tally.problems == []
    assert tally.kills["at random"] >= pick(2, 15)
    assert tally.doubled == 0


@scaled
@long_only
async def test_where_the_upstream_knows_no_keys_a_double_is_told(tmp_path: Path) -> None:
    """An upstream that carries out what was given up long ago cannot be kept from making a double."""
    plan = Plan(
        dialect="aiograpi",
        gateways=1,
        rounds=1,
        seconds=20.0,
        limit=200.0,
        random_kills=6,
        starts_to_kill=1,
        seed=2,
    )
    tally = await storm(plan, drawn(30, random.Random(plan.seed)), tmp_path)
    assert tally.problems == []
    assert tally.doubled > 0
