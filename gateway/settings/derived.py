"""Values that follow from several settings."""

from __future__ import annotations

from pathlib import Path

from gateway.settings.forms import POSTGRESQL, SQLITE


class DerivedSettings:
    """The base of the table of settings."""

    __slots__ = ()

    hikerapi_key: str | None
    data_dir: Path
    database_url: str | None

    @property
    def sandboxed(self) -> bool:
        """Return whether the embedded sandbox replaces the read API."""
        return self.hikerapi_key is None

    @property
    def database_path(self) -> Path:
        """Return the path of the spending ledger, unless it is in PostgreSQL."""
        if self.database_url is None or not self.database_url.startswith(SQLITE):
            return self.data_dir / "gateway.sqlite3"
        return Path(self.database_url.removeprefix(SQLITE))

    @property
    def ledger_url(self) -> str | None:
        """Return the URL of the spending ledger, if it is in PostgreSQL."""
        return self.database_url if self.database_url and self.database_url.startswith(POSTGRESQL) else None

    @property
    def flows_url(self) -> str:
        """Return the SQLAlchemy URL of the workflow store."""
        if self.database_url is not None and self.database_url.startswith(POSTGRESQL):
            return "postgresql+psycopg://" + self.database_url.removeprefix(POSTGRESQL)
        return f"{SQLITE}{self.data_dir.absolute() / 'flows.sqlite3'}"
