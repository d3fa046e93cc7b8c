"""Failed assertions in the rules are to show their values like those in test modules."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite(
    *(f"tests.execution.{module}" for module in ("rules", "rules_of_plans", "rules_of_kept", "subject"))
)
