"""The rules, on the real projection and on its mutants: what no rule notices, no rule promises."""

from __future__ import annotations

import gc

import pytest

from tests import profiles
from tests.execution import rules, rules_of_partial, rules_of_plans, rules_of_projection_cache
from tests.execution.mutants import MUTANTS, Mutant, loaded
from tests.execution.rules import Rule
from tests.execution.tested import Subject

pytestmark = pytest.mark.usefixtures("frozen_heap")
RULES = [*rules.RULES, *rules_of_plans.RULES, *rules_of_projection_cache.RULES, *rules_of_partial.RULES]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_the_projection_follows_its_rule(rule: Rule) -> None:
    await rule(Subject())


async def test_the_sources_unchanged_follow_the_rules_under_another_name() -> None:
    """Otherwise it would be the way of loading them that kills the mutants."""
    with loaded({}) as package:
        for rule in profiles.sample(RULES):
            await rule(Subject(package))


@profiles.scaled
@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")  # mutants drop what they should await
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "mutant",
    profiles.pick(profiles.sample(MUTANTS[::3]), MUTANTS),
    ids=lambda mutant: f"{mutant.module}: {mutant.old} -> {mutant.new}",
)
async def test_a_mutant_breaks_a_rule(mutant: Mutant) -> None:
    with loaded(mutant.sources()) as package, pytest.raises(Exception):  # noqa: B017, PT011 - any failure tells
        await mutant.killer(Subject(package))
    gc.collect()  # what a mutant does not await is told here, and not in whichever test comes next
