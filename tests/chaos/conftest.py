from __future__ import annotations

import pytest

from tests.chaos.harness import Database


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database | None:
    """Where flows are kept; None: SQLite."""
    return None if request.param == "sqlite" else Database.of(request.getfixturevalue("postgres"))
