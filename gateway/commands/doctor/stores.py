"""Checks of what the gateway has on disk: the ledger, the flows, the clients file and the trusted documents."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from gateway.billing.ledger_store import LedgerUnusable
from gateway.clients import ClientsFileError
from gateway.clients.entries import ClientEntry, KeyEntry, parse, read
from gateway.clients.usage import UsesUnreadable, recorded_in
from gateway.commands.copies import FLOWS, FLOWS_KEY, KEY_BYTES
from gateway.commands.data_directory import is_in_use
from gateway.commands.doctor.findings import Finding, Installation, Result, ok, problem, skipped, some_of, warning
from gateway.composition.ledger_place import check_place
from gateway.errors import LedgerUnavailable, Unusable
from gateway.migrations import ABSENT
from gateway.settings import SQLITE, Settings

LEDGER, FLOW_STORE, CLIENTS, DOCUMENTS = "ledger", "flows", "clients", "documents"
BUSY_SECONDS = 2.0
DAY = 86_400.0
UNUSED, SOON = 90 * DAY, 7 * DAY
MIB = 2**20
RESTORE = "Stop the gateway, and restore the last backup: docs/operations/backup.md."
SLOW_SECONDS = 0.05


def ledger(installation: Installation) -> Iterable[Finding]:
    try:
        check_place(installation.settings)
    except Unusable as error:
        return [problem(LEDGER, str(error), "docs/operations/backup.md#the-ledger-in-postgresql")]
    if installation.settings.ledger_url is not None:
        return [_of_ledger_in_postgresql(installation, installation.settings.ledger_url)]
    path = installation.settings.database_path.absolute()
    if not path.exists():
        return [ok(LEDGER, f"{path} does not exist yet: the gateway creates it at its first start.")]
    return [_of_database(LEDGER, path, runs=_runs(installation))]


def _of_ledger_in_postgresql(installation: Installation, url: str) -> Finding:
    """Return the finding about its version: the check of the flows says how the database answers."""
    from gateway.billing.postgres_access import version_in

    if installation.is_offline:
        return skipped(LEDGER, "PostgreSQL is not asked (--offline).")
    try:
        found = version_in(url).found
    except (LedgerUnavailable, LedgerUnusable):
        return problem(LEDGER, "Its database cannot be used: nothing is bought.", "See the check of the flows.")
    if found == ABSENT:
        return ok(LEDGER, "It does not exist in PostgreSQL yet: the gateway creates it at its first start.")
    return ok(LEDGER, f"It is in PostgreSQL, in version {found}.")


def _runs(installation: Installation) -> bool:
    data = installation.settings.data_dir
    return data.is_dir() and is_in_use(data)


def _of_database(check: str, path: Path, *, runs: bool) -> Finding:
    """Return the finding about an SQLite file: intact, writable, and in WAL mode.

    A gateway, if one runs, has set this mode, unless the file system does not support it.
    """
    try:
        with contextlib.closing(_opened(path)) as database:
            (intact,) = database.execute("PRAGMA quick_check(1)").fetchone()
            (mode,) = database.execute("PRAGMA journal_mode").fetchone()
            if intact != "ok":
                return problem(check, f"{path} is damaged: {intact}.", RESTORE)
            database.execute("BEGIN IMMEDIATE")  # takes the lock of writers, and writes nothing
            database.execute("ROLLBACK")
    except sqlite3.Error as error:
        return _of_error(check, path, error)
    if mode != "wal" and runs:
        return warning(
            check,
            f"{path} is in the mode {mode}, in which readers block writers.",
            "Put it on a local file system: SQLite's mode WAL does not work over a network.",
        )
    return ok(check, f"{path} is intact and can be written ({path.stat().st_size / MIB:.1f} MiB).")


def _opened(path: Path) -> sqlite3.Connection:
    uri = f"{path.as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _of_error(check: str, path: Path, error: sqlite3.Error) -> Finding:
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return warning(
                check,
                f"{path} has been locked by another process for {BUSY_SECONDS:.0f} seconds.",
                "See which process that is: `fuser` names it. A gateway holds the lock for milliseconds.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return problem(check, f"{path} cannot be written.", "Check its owner, its mode and those of its directory.")
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return problem(check, f"{path} cannot be written: the disk fails or is full.", "Check the disk.")
        case _:
            return problem(check, f"{path} is damaged, or no file of a gateway.", RESTORE)


def flows(installation: Installation) -> Iterable[Finding]:
    settings = installation.settings
    path = settings.data_dir.absolute() / FLOWS
    is_sqlite = settings.flows_url.startswith(SQLITE)
    if not is_sqlite and installation.is_offline:
        yield skipped(FLOW_STORE, "PostgreSQL is not asked (--offline).")
    elif not is_sqlite:
        yield from _of_postgresql(installation)
    elif path.exists():
        found = _of_database(FLOW_STORE, path, runs=_runs(installation))
        yield found
        if found.result is not Result.PROBLEM:
            yield from _of_key(settings, _probe(path))
    elif settings.sandboxed or settings.platform_url is not None:
        yield ok(FLOW_STORE, f"{path} does not exist yet: the gateway creates it at its first start.")
    else:
        yield skipped(FLOW_STORE, "Nothing is published: GATEWAY_PLATFORM_TOKEN is not set.")


def _probe(path: Path) -> str | None:
    """Return the text that the key of the flows decrypts; None of a store that was never prepared."""
    with contextlib.closing(_opened(path)) as database, contextlib.suppress(sqlite3.OperationalError):
        row = database.execute("SELECT probe FROM gateway_flow_keys").fetchone()
        return None if row is None else str(row[0])
    return None


def _shared_flows_key(settings: Settings) -> bytes | None:
    """Return the key of the flows in the database. The check of the keys reports why it cannot be read."""
    from gateway.composition.gateway_keys import places_of
    from gateway.shared_keys.database_keys import report
    from gateway.shared_keys.shared_key import FLOWS as NAME
    from gateway.shared_keys.shared_key import KeysUnavailable

    with contextlib.suppress(KeysUnavailable, Unusable):
        found = report(places_of(settings)).used.get(NAME.name)
        return None if found is None else found.value
    return None


def _of_key(settings: Settings, probe: str | None, shared: bytes | None = None) -> Iterator[Finding]:
    """Yield a problem if the key cannot decrypt the flows. It is not created, as a gateway would.

    `shared` is the key of the database, if that has one.
    """
    file = settings.data_dir.absolute() / FLOWS_KEY
    remedy = f"Restore {file} from a backup, or set GATEWAY_FLOWS_KEY to the key that was used."
    key = settings.flows_key or shared
    if probe is None:
        return
    if key is None:
        try:
            key = file.read_bytes()
        except OSError as error:
            yield problem(FLOW_STORE, f"{file} cannot be read: {error.strerror}.", remedy)
            return
    from gateway.durable.encryption import DecryptionError, JsonCipher

    try:
        if len(key) != KEY_BYTES:
            raise DecryptionError
        JsonCipher(key).open(probe)
    except DecryptionError:
        name = "GATEWAY_FLOWS_KEY" if settings.flows_key else "the database" if shared else file
        yield problem(FLOW_STORE, f"The flows were encrypted with another key than that of {name}.", remedy)


def _of_postgresql(installation: Installation) -> Iterator[Finding]:
    from gateway.durable.inspection import StoreUnusable, inspect

    settings = installation.settings
    try:
        found = inspect(settings.flows_url, installation.clock.monotonic)
    except StoreUnusable as error:
        yield problem(FLOW_STORE, f"The database of GATEWAY_DATABASE_URL cannot be used: {error}", error.remedy)
        return
    text = f"PostgreSQL {found.version} answers in {found.seconds * 1_000:.1f} ms"
    text += (
        f"; {found.running} flows run." if found.has_tables else "; the gateway creates its tables at its first start."
    )
    if found.seconds > SLOW_SECONDS:
        yield warning(
            FLOW_STORE, text, "Move it nearer: each step of a flow waits for several statements, one after the other."
        )
    else:
        yield ok(FLOW_STORE, text)
    yield from _of_key(settings, found.probe, shared=_shared_flows_key(settings))


def clients(installation: Installation) -> Iterable[Finding]:
    file = installation.settings.clients_file
    if file is None:
        return [ok(CLIENTS, "There is no clients file: one local client needs no key, on loopback addresses only.")]
    try:
        entries = parse(read(file), file)
    except ClientsFileError as error:
        return [problem(CLIENTS, str(error), "Correct the file: a gateway that reads it keeps its earlier clients.")]
    if not entries:
        remedy = "Add one: `highlights-gateway keys add NAME`."
        return [warning(CLIENTS, f"{file} has no client: every request is refused.", remedy)]
    findings = [*_of_keys(installation, entries)]
    count = sum(len(entry.all_keys) for entry in entries)
    expired = sum(_has_expired(key, installation.clock.now()) for entry in entries for key in entry.all_keys)
    note = f", {expired} of which expired: `keys remove NAME --key FINGERPRINT` removes one" if expired else ""
    return findings or [ok(CLIENTS, f"{file} has {len(entries)} clients with {count} keys{note}.")]


def _of_keys(installation: Installation, entries: tuple[ClientEntry, ...]) -> Iterator[Finding]:
    now = installation.clock.now()
    keys = [(f"{key.key().fingerprint} of {entry.name}", key) for entry in entries for key in entry.all_keys]
    expired = [name for name, key in keys if _has_expired(key, now)]
    # A client with another key does not need them.
    shut = [entry.name for entry in entries if entry.all_keys and all(_has_expired(key, now) for key in entry.all_keys)]
    soon = [name for name, key in keys if (end := key.key().expires) is not None and now < end <= now + SOON]
    if shut:
        remedy = "Give them another: `keys rotate NAME`, or remove them: `keys remove NAME`."
        yield warning(CLIENTS, f"Every key has expired of: {some_of(shut)}.", remedy)
    if soon:
        yield warning(CLIENTS, f"Expire within a week: {some_of(soon)}.", "Replace them: `keys rotate NAME`.")
    try:
        used = recorded_in(installation.settings.data_dir)
    except UsesUnreadable as error:
        yield warning(CLIENTS, str(error), "Delete the file: it only tells when keys were last used.")
        return
    unused = [name for name, key in keys if name not in expired and _is_unused(key, used, now)]
    if unused:
        yield warning(CLIENTS, f"Not used for 90 days: {some_of(unused)}.", "Remove the keys that nobody needs.")


def _has_expired(key: KeyEntry, now: float) -> bool:
    end = key.key().expires
    return end is not None and end <= now


def _is_unused(key: KeyEntry, used: dict[str, float], now: float) -> bool:
    """Return whether the key is known to be unused: one without a time of creation may be a new one."""
    known = key.key()
    since = used.get(known.fingerprint, known.created)
    return since is not None and since <= now - UNUSED


def documents(installation: Installation) -> Iterable[Finding]:
    file = installation.settings.documents_file
    if file is None:
        return []
    from gateway.operations.trusted_documents import Trusted

    try:
        Trusted(file)
    except Unusable as error:
        return [problem(DOCUMENTS, str(error), "Write it again: `highlights-gateway documents --out FILE DIR`.")]
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat(sep=" ", timespec="seconds")
    return [
        ok(DOCUMENTS, f"{file} is a manifest of trusted documents, last changed at {changed.removesuffix('+00:00')}.")
    ]
