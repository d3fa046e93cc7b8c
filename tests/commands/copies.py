"""Data directories to copy and to restore: of every part something, without a gateway."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.ledger_store import Row
from gateway.clients.usage import Uses
from gateway.commands.backup import backup
from gateway.commands.restore import restore
from gateway.durable.encryption import JsonCipher
from tests.fakes.clock import EPOCH

CLIENTS = '[[client]]\nname = "web"\nkey_sha256 = "' + "5" * 64 + '"\n'
ENTRY = "a" * 64
MANIFEST = "manifest.json"


def filled(folder: Path, billed: int, key: bytes = b"k" * 32) -> Path:
    """A data directory with a ledger of this amount, flows that `key` opens, an upload and all keys."""
    for path in (folder, folder / "flows.slots", folder / "spool", folder / "spool" / ENTRY):
        path.mkdir(mode=0o700)
    with contextlib.closing(LedgerFile(folder / "gateway.sqlite3")) as file, file.transaction():
        file.spend([Row(date(2026, 3, 30), "web", "profile", billed, billed)])
    with contextlib.closing(sqlite3.connect(folder / "flows.sqlite3")) as flows, flows:
        flows.execute("CREATE TABLE gateway_flow_keys (probe TEXT PRIMARY KEY)")
        flows.execute("INSERT INTO gateway_flow_keys VALUES (?)", (JsonCipher(key).close("probe"),))
    Uses(folder).note({"5" * 12: EPOCH + billed})
    keys = {"flows.key": key, "media.key": b"m" * 32, "cursors.key": b"c" * 32}
    parts = {"flows.slots/host": b"a-host", f"spool/{ENTRY}/content": b"%d" % billed, f"spool/{ENTRY}/flow-1": b""}
    for name, content in (keys | parts).items():
        (folder / name).write_bytes(content)
    for path in folder.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def environment(data: Path, **others: str) -> dict[str, str]:
    return {"GATEWAY_DATA_DIR": str(data), **others}


def copied(target: Path, environ: Mapping[str, str]) -> Path:
    assert backup(argparse.Namespace(directory=target), environ) == 0
    return target


def restored(copy: Path, environ: Mapping[str, str], *, replace: bool = False, keep_clients: bool = False) -> int:
    return restore(argparse.Namespace(directory=copy, replace=replace, keep_clients=keep_clients), environ)


def spent_in(ledger: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"{ledger.as_uri()}?mode=ro", uri=True)) as database:
        return int(database.execute("SELECT sum(billed) FROM spending").fetchone()[0])


def tree(folder: Path) -> dict[str, tuple[int, str]]:
    """Mode and content of all files and directories, by relative path; a restore extends the audit trail, left out."""
    found = {}
    for path in sorted(one for one in folder.rglob("*") if not one.name.startswith("audit.")):
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = os.lstat(path).st_mode & 0o777, content
    return found
