"""The keys of one gateway where PostgreSQL has them, so that they are the same on all hosts.

A key is that of its setting; else that of the database, into which the file of a data directory is brought once; else a
new one. Each process records fingerprints of the keys it uses, and refuses to start beside one that uses another.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from gateway.billing.postgres_connection import opened
from gateway.billing.postgres_tables import Connection
from gateway.durable.encryption import KEY_BYTES, DecryptionError, JsonCipher
from gateway.errors import Unusable
from gateway.migrations import ABSENT, StoreVersion
from gateway.shared_keys import key_tables as tables
from gateway.shared_keys.key_tables import TABLES, TITLE, KeyUse
from gateway.shared_keys.shared_key import (
    FLOWS,
    OF_STORES,
    SHARED,
    KeysDiffer,
    KeySource,
    KeysUnavailable,
    SharedKey,
    UsedKey,
)

SALT = "fingerprints"
# The cost of scrypt: a secret in a setting may be short, and nobody shall find it by its fingerprint.
COST, BLOCK, LANES = 2**14, 8, 1


@dataclass(frozen=True, slots=True)
class KeyPlaces:
    """The places of a gateway's keys. `given` has those of the settings, by name."""

    url: str
    directory: Path
    given: Mapping[str, bytes]

    def in_file(self, key: SharedKey) -> bytes | None:
        """Return the key in the data directory, if there is one. Raise Unusable if it is not complete."""
        path = self.directory / key.file
        try:
            found = path.read_bytes()
        except OSError:
            return None
        if len(found) != KEY_BYTES:
            raise Unusable(f"The key {path} must have {KEY_BYTES} bytes: restore it from a backup.")
        return found


class DatabaseKeys:
    """The keys of one process. Methods block, and raise KeysUnavailable, StoreTooNew and Unusable."""

    def __init__(self, places: KeyPlaces, host: str) -> None:
        """`host` is the name of this machine, for the messages of others."""
        self._places = places
        self._host = host
        self._process = str(uuid.uuid4())
        self._fingerprints: dict[tuple[str, bytes], str] = {}
        self._lock = threading.Lock()
        self._has_ended = False

    def agree(self) -> dict[str, UsedKey]:
        """Return the keys to use by name, and record their use. Raise KeysDiffer.

        The key of the flows is left out if there are flows that no known key decrypts: a new one would hide that.
        """
        with self._lock:
            if self._has_ended:  # a call that began before the end must not record a use after it
                raise KeysUnavailable("this process has ended")
            return self._agree()

    def _agree(self) -> dict[str, UsedKey]:
        with keys_opened(self._places.url) as db:
            TABLES.migrate(db)
            used = {key.name: one for key in SHARED if (one := self._found_or_made(db, key)) is not None}
            tables.add(db, SALT, secrets.token_bytes(KEY_BYTES))
            salt = tables.keys_in(db)[SALT]
            db.commit()
        found = {name: self._fingerprint(salt, one) for name, one in used.items()}
        with keys_opened(self._places.url) as db:
            tables.lock(db)
            check(used, found, tables.uses_of_others(db, self._process))
            tables.use(db, self._process, self._host, found)
            db.commit()
        return used

    def end(self) -> None:
        """Record that this process uses no key any more."""
        with self._lock:
            self._has_ended = True
            with keys_opened(self._places.url) as db:
                tables.end(db, self._process)
                db.commit()

    def _found_or_made(self, db: Connection, key: SharedKey) -> UsedKey | None:
        found = found_key(db, self._places, key)
        if found is None:
            if key is FLOWS and tables.probe_in(db) is not None:
                return None
            tables.add(db, key.name, secrets.token_bytes(KEY_BYTES))
        elif found.source is KeySource.FILE and _may_be_shared(db, found):
            tables.add(db, key.name, found.value)
        else:
            return found
        return UsedKey(key, tables.keys_in(db)[key.name], KeySource.DATABASE)

    def _fingerprint(self, salt: bytes, used: UsedKey) -> str:
        """Return the fingerprint, which takes some ten milliseconds the first time."""
        known = used.key.name, used.value
        if known not in self._fingerprints:
            self._fingerprints[known] = fingerprint(salt, used)
        return self._fingerprints[known]


def found_key(db: Connection, places: KeyPlaces, key: SharedKey) -> UsedKey | None:
    """Return the key that a gateway with these places would use, if there is one. This only reads.

    Raise KeysDiffer if the file has another key than the database. For the key of a store the file does not matter
    then.
    """
    if (given := places.given.get(key.name)) is not None:
        return UsedKey(key, given, KeySource.SETTING)
    shared = tables.keys_in(db).get(key.name)
    if shared is not None and key in OF_STORES:
        return UsedKey(key, shared, KeySource.DATABASE)
    in_file = places.in_file(key)
    if shared is None:
        return None if in_file is None else UsedKey(key, in_file, KeySource.FILE)
    if in_file not in (None, shared):
        raise KeysDiffer.from_file(key, places.directory / key.file)
    return UsedKey(key, shared, KeySource.DATABASE)


def _may_be_shared(db: Connection, found: UsedKey) -> bool:
    """Return whether the key of a file is the one to share: that of the flows must decrypt what is there."""
    probe = tables.probe_in(db) if found.key is FLOWS else None
    if probe is None:
        return True
    try:
        JsonCipher(found.value).open(probe)
    except DecryptionError:
        return False
    return True


def fingerprint(salt: bytes, used: UsedKey) -> str:
    """Return a salted digest of the key, by which it can be compared and not be found."""
    text = used.key.name.encode() + b"\0" + used.value
    return hashlib.scrypt(text, salt=salt, n=COST, r=BLOCK, p=LANES, dklen=16).hex()


def check(used: Mapping[str, UsedKey], own: Mapping[str, str], others: Sequence[KeyUse]) -> None:
    """Raise KeysDiffer if a running process uses another key."""
    for one in others:
        if one.name in own and own[one.name] != one.fingerprint:
            raise KeysDiffer.from_host(used[one.name].key, one.host)


def keys_opened(url: str) -> AbstractContextManager[Connection]:
    """Open a connection for one transaction. Raise KeysUnavailable and Unusable."""
    return opened(
        url,
        lambda message: Unusable(f"{TITLE} cannot be used ({message}): the role must own them."),
        lambda: KeysUnavailable("the database of GATEWAY_DATABASE_URL cannot be reached"),
    )


def version_in(url: str) -> StoreVersion:
    """Return the version of the tables. This only reads. Raise KeysUnavailable and Unusable."""
    with keys_opened(url) as db:
        return TABLES.version_of(db)


def _without_tables(places: KeyPlaces) -> dict[str, UsedKey]:
    """Return the keys that the first gateway will bring into the database, or take from its settings."""
    files = {key: found for key in SHARED if (found := places.in_file(key)) is not None}
    used = {key.name: UsedKey(key, found, KeySource.FILE) for key, found in files.items()}
    given = [UsedKey(key, places.given[key.name], KeySource.SETTING) for key in SHARED if key.name in places.given]
    return used | {one.key.name: one for one in given}


@dataclass(frozen=True, slots=True)
class KeyReport:
    """The keys that a gateway would use, by name, and the running processes that use others.

    `differences` are sentences; `processes` is the number of running ones.
    """

    used: Mapping[str, UsedKey]
    differences: Sequence[str]
    processes: int


def report(places: KeyPlaces) -> KeyReport:
    """Compare the keys with those of the running gateways. This only reads. Raise KeysUnavailable and Unusable."""
    with keys_opened(places.url) as db:
        used, differences = dict[str, UsedKey](), list[str]()
        if TABLES.version_of(db).found == ABSENT:
            return KeyReport(_without_tables(places), differences, 0)
        for key in SHARED:
            try:
                found = found_key(db, places, key)
            except KeysDiffer as error:
                differences.append(str(error))
            else:
                used |= {} if found is None else {key.name: found}
        salt, others = tables.keys_in(db)[SALT], tables.uses_of_others(db, str(uuid.UUID(int=0)))
    own = {name: fingerprint(salt, one) for name, one in used.items()}
    for one in others:
        if own.get(one.name, one.fingerprint) != one.fingerprint:
            differences.append(str(KeysDiffer.from_host(used[one.name].key, one.host)))
    return KeyReport(used, list(dict.fromkeys(differences)), len({one.process for one in others}))
