"""The parser of the clients file: its entries, and the error messages for an invalid one.

The format is TOML with one `[[client]]` per caller:

    [[client]]
    name = "web"
    keys = [{ sha256 = "...", expires = 2026-12-01T00:00:00Z }]   # of the keys; they themselves are stored nowhere
    rights = ["read", "force"]                    # left out: ["read"]
    ceiling = 50                                  # billed requests per operation; left out: no ceiling
    allowance = { minute = 100, month = 20000 }   # billed requests per window; left out: unlimited
    accounts = ["787132"]                         # for whom it may publish, with the right `write`; left out: all
    weight = 2.5                                  # of its share of an upstream's rate; left out: 1

A single key that never expires may be written as `key_sha256 = "..."` instead. `id` identifies the client in records
that survive a rename, and `disabled = true` rejects its requests.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import msgspec

from gateway.clients.client import LEAST_WEIGHT, MOST_WEIGHT, Client, Key
from gateway.domain import ids
from gateway.domain.rights import Right
from gateway.domain.window import Window
from gateway.errors import Unusable

# The ledger's client name for requests that the gateway itself buys because a media URL expired early.
MEDIA_PROXY = "media-proxy"
RESERVED = f"must not be {MEDIA_PROXY}: as that the ledger books what the gateway buys for its media proxy"
NAME = r"^[A-Za-z0-9._-]{1,64}\Z"
ACCOUNT = rf"^{ids.PK.pattern}\Z"
HEADER = re.compile(r"^[ \t]*\[\[[ \t]*client[ \t]*\]\]", re.MULTILINE)
Amount = Annotated[int, msgspec.Meta(ge=0)]
Weight = Annotated[float, msgspec.Meta(ge=LEAST_WEIGHT, le=MOST_WEIGHT)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ClientsFileError(Unusable):
    """The clients file cannot be used.

    The message names file, line or field, and the accepted form, but never a value.
    """


class KeyEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: Digest
    created: Moment | None = None
    expires: Moment | None = None

    def key(self) -> Key:
        return Key(bytes.fromhex(self.sha256), _seconds(self.created), _seconds(self.expires))


class ClientEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=NAME)]
    id: Annotated[str, msgspec.Meta(pattern=NAME)] | None = None
    key_sha256: Digest | None = None
    keys: Annotated[tuple[KeyEntry, ...], msgspec.Meta(min_length=1)] | None = None
    disabled: bool = False
    rights: frozenset[Right] = frozenset({Right.READ})
    ceiling: Amount | None = None
    allowance: dict[Window, Amount] = {}
    accounts: frozenset[Annotated[str, msgspec.Meta(pattern=ACCOUNT)]] | None = None
    weight: Weight = 1.0

    @property
    def known_as(self) -> str:
        return self.id or self.name

    @property
    def all_keys(self) -> tuple[KeyEntry, ...]:
        alone = () if self.key_sha256 is None else (KeyEntry(self.key_sha256),)
        return alone + (self.keys or ())

    def clients(self) -> list[Client]:
        """Return one client for each key of the entry."""
        return [
            Client(
                self.name,
                self.known_as,
                self.rights,
                self.ceiling,
                self.allowance,
                key.key(),
                self.accounts,
                is_disabled=self.disabled,
                weight=self.weight,
            )
            for key in self.all_keys
        ]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    client: tuple[ClientEntry, ...] = ()


ACCEPTED = {
    "client": "one `[[client]]` table per client",
    "name": "1 to 64 of the letters A to Z and a to z, digits, `.`, `_` and `-`",
    "id": "as a name; left out: the name",
    "key_sha256": "64 lower-case hex digits; `highlights-gateway keys add NAME` makes a key and its entry",
    "keys": 'a list of tables like { sha256 = "...", expires = 2026-12-01T00:00:00Z }, each with the 64 lower-case hex '
    "digits of a key; `highlights-gateway keys add NAME` makes a key and its entry",
    "disabled": "true or false; left out: false",
    "rights": f"a list of {', '.join(right.value for right in Right)}",
    "ceiling": "a whole number of billed requests, 0 or more; left out: no ceiling",
    "allowance": "a table like { minute = 100, day = 5000 } of whole numbers, 0 or more; "
    f"its windows are {', '.join(window.value for window in Window)}; left out: unlimited",
    "weight": f"a number from {LEAST_WEIGHT} to {MOST_WEIGHT}; left out: 1",
    "accounts": "a list of account ids, numbers in quotes; left out: all accounts the gateway publishes for",
}


def read(path: Path) -> str:
    """Return the text of the file with its own line endings. Raise ClientsFileError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as exc:
        raise ClientsFileError(f"{path} does not exist: `highlights-gateway keys add NAME` makes it.") from exc
    except OSError as exc:
        raise ClientsFileError(f"{path} cannot be read ({exc.strerror}): check its permissions.") from exc
    except UnicodeDecodeError as exc:
        raise ClientsFileError(f"{path} is not UTF-8: save it as UTF-8 text.") from exc


def parse(text: str, path: Path) -> tuple[ClientEntry, ...]:
    """Return the entries. Raise ClientsFileError."""
    try:
        entries = msgspec.convert(tomllib.loads(text), _Table).client
    except tomllib.TOMLDecodeError as exc:
        raise ClientsFileError(f"{path} is not TOML: {exc}.") from exc
    except msgspec.ValidationError as exc:
        raise ClientsFileError(f"{path}{_error_text(str(exc), text)}") from exc
    for number, entry in enumerate(entries):
        if (problem := _problem(entry)) is not None:
            raise ClientsFileError(f"{path}{_position(number, text)}: {problem}")
    _check_together(entries, path)
    return entries


def _problem(entry: ClientEntry) -> str | None:
    if entry.key_sha256 is None and entry.keys is None:
        return f"keys: missing; must be {ACCEPTED['keys']}."
    if entry.key_sha256 is not None and entry.keys is not None:
        return "key_sha256: must be left out where there are `keys`: put it into their list."
    if MEDIA_PROXY in (entry.name, entry.id):
        return f"name: {RESERVED}."
    return None


def _check_together(entries: tuple[ClientEntry, ...], path: Path) -> None:
    """Raise ClientsFileError for duplicates. An id must not be another client's name: the two would be confused."""
    _refuse_duplicates("name", [(entry.name, entry.name) for entry in entries], path)
    _refuse_duplicates(
        "sha256 of a key", [(key.sha256, entry.name) for entry in entries for key in entry.all_keys], path
    )
    called = [(word, entry.name) for entry in entries for word in {entry.name, entry.known_as}]
    _refuse_duplicates("id", called, path)


def _refuse_duplicates(what: str, given: Iterable[tuple[str, str]], path: Path) -> None:
    """Raise ClientsFileError if a value occurs twice. `given` is pairs of a value and the name of its client."""
    given = list(given)
    counts = Counter(value for value, _ in given)
    names = [name for value, name in given if counts[value] > 1]
    if names:
        raise ClientsFileError(f"{path}: {what}: must differ, but is the same for the clients {', '.join(names)}.")


def _error_text(problem: str, text: str) -> str:
    """Return the place and the accepted form. The library's message is not passed on: it may quote a value."""
    inside = re.search(r"\$\.client\[(\d+)\](\.keys\[)?", problem)
    where = _position(int(inside[1]), text) if inside else ""
    of_key = inside is not None and inside[2] is not None
    named = re.search(r"(missing required|unknown) field `(.*?)`", problem)
    if named and named[1] == "unknown":
        form = KeyEntry if of_key else ClientEntry if inside else _Table
        known = ", ".join(form.__struct_fields__)
        return f"{where}: {'keys: ' if of_key else ''}{named[2]}: no such field; known: {known}."
    place = re.search(r"\$\.(?:client\[\d+\]\.)?(\w+)", problem)
    name = "keys" if of_key else named[2] if named else place[1] if place else "client"
    return f"{where}: {name}: {'missing; ' if named and not of_key else ''}must be {ACCEPTED[name]}."


def _position(number: int, text: str) -> str:
    """Return the position of the entry with this number, counted from 0."""
    lines = [text.count("\n", 0, header.start()) + 1 for header in HEADER.finditer(text)]
    return f", client {number + 1}" + (f" (line {lines[number]})" if number < len(lines) else "")


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()
