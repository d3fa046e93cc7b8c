"""The ledger's store in a SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.billing.ledger_contract import StoreContract
from tests.billing.ledger_places import Place, SqlitePlace


class TestSqliteLedger(StoreContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Place:
        return SqlitePlace(tmp_path / "ledger.db")
