"""A PostgreSQL of the test's own: a cluster in a temporary directory, reached by a socket in it, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

# Where Debian keeps what is not on everybody's path.
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
# The directory goes with the test: nothing in it has to outlive a crash of the machine.
HASTE = "-c fsync=off -c full_page_writes=off"


class Cluster:
    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self._run("initdb", "--auth=trust", f"--username={ACCOUNT}", "--no-sync", "--pgdata", str(folder / "data"))

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{ACCOUNT}@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        with psycopg.connect(host=str(self.folder), user=ACCOUNT, autocommit=True) as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return self.url(database)

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= {HASTE}"
        self._control("start", "--wait", "--options", options, "--log", str(self.folder / "log"))

    def stop(self) -> None:
        """As if its machine were gone: nobody is waited for."""
        self._control("stop", "--wait", "--mode", "immediate")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            command = ["runuser", "--user", ACCOUNT, "--", *command]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=60)


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Skips where there is no PostgreSQL."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is needed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(folder, account.pw_uid, account.pw_gid)
        made = Cluster(programs, Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


def _programs() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None
