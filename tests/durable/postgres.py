"""PostgreSQL for tests: a cluster in a temporary directory, reached by a socket in it, removed afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

# Where Debian keeps what is not on everybody's path.
DEBIAN = Path("/usr/lib/postgresql")
ACCOUNT = "postgres"
# The directory goes with the test: nothing in it has to outlive a crash of the machine.
# Of a dump: comments, commands to psql, and settings that only some releases know.
NOT_DUMPED = re.compile(r"--|\\|SET |SELECT pg_catalog.set_config|$")
RESTART_SECONDS = 60.0
HASTE = "-c fsync=off -c full_page_writes=off"


class Cluster:
    """A server, run by the operating system's account for it, as PostgreSQL refuses to run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder

    def make(self) -> None:
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._run("initdb", "--auth=trust", f"--username={ACCOUNT}", "--no-sync", "--pgdata", str(self.folder / "data"))

    def create(self, template: str = "postgresql:///template1") -> str:
        """The URL of a new database: a copy of that at the URL `template`, to which nobody is connected."""
        database = f"test_{uuid.uuid4().hex}"
        names = map(sql.Identifier, (database, _name(template)))
        with psycopg.connect(host=str(self.folder), user=ACCOUNT, autocommit=True) as db:
            db.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return f"postgresql+psycopg://{ACCOUNT}@/{database}?host={self.folder}"

    def dump(self, url: str) -> str:
        """All of the database as statements that any other takes, whatever its release and owner."""
        options = ("--inserts", "--no-owner", "--no-privileges", "--host", str(self.folder), "--username", ACCOUNT)
        command = [str(self._programs / "pg_dump"), *options, _name(url)]
        lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
        return "\n".join(line for line in lines if not NOT_DUMPED.match(line)) + "\n"

    def restore(self, dump: str) -> str:
        """The URL of a new database."""
        url = self.create()
        with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:"), autocommit=True) as db:
            db.execute(dump.encode())
        return url

    def start(self) -> None:
        options = f"-k {self.folder} -c listen_addresses= {HASTE}"
        self._control("start", "--wait", "--options", options, "--log", str(self.folder / "log"))

    def stop(self) -> None:
        """As if its machine were gone: nobody is waited for."""
        self._control("stop", "--wait", "--mode", "immediate")

    def kill(self) -> None:
        """All of its processes at once."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """To the first process before the others: it would start new ones in the place of those that end."""
        first = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for process in (first, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, number)

    def restart(self) -> None:
        """After `kill`: its processes are gone only a moment later, and until then its memory is in use."""
        deadline = time.monotonic() + RESTART_SECONDS
        while True:
            try:
                return self.start()
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self.folder / "data"), *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "--user", ACCOUNT, "--", *command]
        subprocess.run(command, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=60)


def _name(url: str) -> str:
    """Of the database."""
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def cluster() -> Iterator[Cluster]:
    """A server of the caller's own, who may stop it. Skips where PostgreSQL is not installed."""
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="pg-") as folder:
        made = Cluster(programs, Path(folder))
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()


@contextmanager
def shared(run: str) -> Iterator[Cluster]:
    """One server for all processes of a test run: the first of them starts it, the last stops it.

    `run` names the run. Skips where PostgreSQL is not installed.
    """
    programs = _programs()
    folder = Path(tempfile.gettempdir()) / f"pg-{run[:12]}"
    made, users = Cluster(programs, folder), folder.with_suffix(".users")
    with _alone(users) as count:
        if count == 0:
            folder.mkdir()
            made.make()
            made.start()
        users.write_text(str(count + 1))
    try:
        yield made
    finally:
        with _alone(users) as count:
            users.write_text(str(count - 1))
            if count == 1:
                made.stop()
                shutil.rmtree(folder)
                users.unlink()


@contextmanager
def _alone(users: Path) -> Iterator[int]:
    """The number in the file, while no other process reads it."""
    while True:
        with users.open("a+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not users.exists():
                continue  # its last user removed it while this one waited
            file.seek(0)
            yield int(file.read() or 0)
            return


def _programs() -> Path:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        pytest.skip("PostgreSQL is needed: `apt-get install postgresql`")
    return versions[-1].parent
