"""The rules, on the real projection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from tests.execution import rules, rules_of_plans
from tests.execution.subject import Subject

Rule = Callable[[Subject], Awaitable[None]]


@pytest.mark.parametrize("rule", [*rules.RULES, *rules_of_plans.RULES], ids=lambda rule: rule.__name__)
async def test_rule(rule: Rule) -> None:
    await rule(Subject())
