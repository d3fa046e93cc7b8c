"""How much a run tries: the Hypothesis profiles, and the numbers of tests that are scaled.

`dev` is the default. `make test` takes `ci`, `make test-long` takes `long`; `--hypothesis-profile` names another.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

T = TypeVar("T")

DEV, CI, LONG = "dev", "ci", "long"
# Of the examples in the profile `long`, and never less than LEAST.
SHARES = {DEV: 0.01, CI: 0.03, LONG: 1.0}
LEAST = 5
# The default number of examples, for tests that state none.
EXAMPLES = {DEV: 10, CI: 30, LONG: 100}

scaled = pytest.mark.scaled
"""For a test whose numbers depend on the profile: in the profile `long` it belongs to the lane `long`."""

long_only = pytest.mark.long_only
"""For a scaled test, or a parameter of one, that other profiles leave out: a sibling of it holds its rule in them."""


def register() -> None:
    """Examples are not timed, as machines are shared. They are the same on every run but for the profile `long`.

    In CI they are the same in that, too: what a search finds by chance is no fault of the change that is looked at.
    """
    repeats = "CI" in os.environ
    for profile, examples in EXAMPLES.items():
        settings.register_profile(
            profile,
            max_examples=examples,
            deadline=None,
            print_blob=True,
            derandomize=repeats or profile != LONG,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        )
    settings.load_profile(DEV)


def profile() -> str:
    return settings.get_current_profile_name()


def examples(
    long: int,
    *,
    stateful_step_count: int = 50,
    derandomize: bool | None = None,
    suppress: Iterable[HealthCheck] = (),
) -> settings:
    """Settings with `long` examples in the profile of that name, and a share of them in the others."""
    current = settings()
    return settings(
        max_examples=max(LEAST, round(long * SHARES[profile()])),
        stateful_step_count=stateful_step_count,
        derandomize=current.derandomize if derandomize is None else derandomize,
        suppress_health_check=[*current.suppress_health_check, *suppress],
    )


def pick(short: T, long: T) -> T:
    """`long` in the profile of that name."""
    return long if profile() == LONG else short


def sample(every: Sequence[T]) -> Sequence[T]:
    """A third of them in the profile `dev`, spread over all; every one in the others."""
    return every[::3] if profile() == DEV else every
