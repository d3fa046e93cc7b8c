"""Failed assertions in the rules are to show their values like those in test modules."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.execution.rules", "tests.execution.rules_of_plans", "tests.execution.subject")
