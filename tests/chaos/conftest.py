from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.house import Database
from tests.flows.durable.postgres import cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[Database | None]:
    """Where flows are kept."""
    if request.param == "sqlite":
        yield None
        return
    with cluster() as server:
        yield Database.of(server)
