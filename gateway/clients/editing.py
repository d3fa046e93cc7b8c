"""Editing of the clients file by commands. Everything else in it is preserved: order, comments, line endings.

An edit changes the text of one entry and parses the result before writing. If the result is not the intended change,
because the entry is written in an unsupported way, the edit is rejected and the file is left unchanged.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from gateway.clients import writing
from gateway.clients.client import FINGERPRINT
from gateway.clients.entries import (
    ACCEPTED,
    ACCOUNT,
    HEADER,
    MEDIA_PROXY,
    NAME,
    RESERVED,
    ClientEntry,
    ClientsFileError,
    KeyEntry,
    parse,
    read,
)
from gateway.clients.table import digest_of
from gateway.domain.rights import Right
from gateway.domain.window import Window

KEY_PREFIX = "hg_"
KEY_BYTES = 32
LEAST_FINGERPRINT = 4  # hex digits that name a key
# The end of an entry's text that is not part of it: comments there belong to the next entry.
TRAILING = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z))+\Z", re.MULTILINE)

Entries: TypeAlias = tuple[ClientEntry, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    """One entry, with the text of the file `before` it, its own `text`, and the text `after` it."""

    entry: ClientEntry
    before: str
    text: str
    after: str

    @property
    def line_end(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def replaced(self, pattern: str, new: str) -> _Section:
        """Replace the first match by the template `new`.

        If there is no match, the check of the whole file fails later.
        """
        return replace(self, text=re.sub(pattern, new, self.text, count=1, flags=re.MULTILINE))

    @property
    def whole(self) -> str:
        return self.before + self.text + self.after


def add_key(
    path: Path,
    name: str,
    *,
    allowance: Mapping[Window, int],
    ceiling: int | None,
    rights: Collection[Right],
    accounts: Collection[str] | None = None,
    weight: float = 1.0,
    now: float | None = None,
) -> str:
    """Append a client to the file, which is created if missing. Return its key, which cannot be read again.

    `now`, in Unix seconds, is recorded as the key's time of creation. Raise ClientsFileError for a name in use, for
    limits, weights and accounts that the file does not accept, and for a file that is already invalid.
    """
    path = path.resolve()  # a symbolic link is kept: its target is replaced
    text = read(path) if path.exists() else ""
    entries = parse(text, path)
    _check_name(name)
    for account in accounts or ():
        if not re.match(ACCOUNT, account):
            raise ClientsFileError("An account must be a numeric id: user names may change.")
    _check_free(name, entries, path)
    key, made = _new_key(now)
    entry = writing.entry(
        name, made, allowance=allowance, ceiling=ceiling, rights=rights, accounts=accounts, weight=weight
    )
    separator = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    new = f"{text}{separator}{entry}"
    parse(new, path)
    writing.save(path, new, before=text)
    return key


def rotate_key(path: Path, name: str, *, overlap: float, now: float) -> str:
    """Add a key to a client and return it.

    Its other keys expire after `overlap` seconds, or sooner if they already do.
    """
    key, made = _new_key(now)
    end = writing.moment(int(now + overlap))

    def aging(entry: ClientEntry) -> list[KeyEntry]:
        lives = [(old, end if old.expires is None else min(old.expires, end)) for old in entry.all_keys]
        return [msgspec.structs.replace(old, expires=expires) for old, expires in lives]

    def change(section: _Section) -> str:
        old = section.entry.all_keys
        if section.entry.key_sha256 is not None:
            return _listed(section, [made, *aging(section.entry)]).whole
        for before, after in zip(old, aging(section.entry), strict=True):
            if before != after:
                section = _expiring(section, before, end)
        return _with_key(section, made, old[0]).whole

    def intended(entry: ClientEntry) -> ClientEntry:
        return msgspec.structs.replace(entry, key_sha256=None, keys=(made, *aging(entry)))

    _edit(path, name, change, intended)
    return key


def remove_client(path: Path, name: str) -> None:
    """Remove the client's entry with the comments inside it. Comments before and after it are kept."""

    def change(section: _Section) -> str:
        trailing = TRAILING.search(section.text)
        rest = trailing[0] if trailing else ""
        if section.before.endswith(("\n\n", "\n\r\n")) or not section.before:
            rest = re.sub(r"\A\r?\n", "", rest)
        return section.before + rest + section.after

    _edit(path, name, change, lambda entry: None)


def remove_key(path: Path, name: str, fingerprint: str) -> None:
    """Remove one of several keys of a client."""
    if len(fingerprint) < LEAST_FINGERPRINT:
        raise ClientsFileError(f"A fingerprint must have at least {LEAST_FINGERPRINT} digits.")

    def chosen(entry: ClientEntry) -> KeyEntry:
        found = [key for key in entry.all_keys if key.sha256[:FINGERPRINT].startswith(fingerprint)]
        if len(found) != 1:
            raise ClientsFileError(
                f"{name} has {len(found)} keys that match {fingerprint}: list its keys with `keys list`."
            )
        if len(entry.all_keys) == 1:
            raise ClientsFileError(f"{name} has no other key: rotate this one, or disable or remove the client.")
        return found[0]

    def change(section: _Section) -> str:
        table = _table_of(chosen(section.entry))
        alone = rf"^[ \t]*{table}[ \t]*,?[ \t]*(?:#[^\n]*)?\n"
        pattern = alone if re.search(alone, section.text, re.MULTILINE) else rf"{table}[ \t]*(?:,[ \t]*)?"
        return section.replaced(pattern, "").whole

    def intended(entry: ClientEntry) -> ClientEntry:
        gone = chosen(entry)
        return msgspec.structs.replace(entry, keys=tuple(key for key in entry.all_keys if key != gone))

    _edit(path, name, change, intended)


def set_disabled(path: Path, name: str, *, disabled: bool) -> None:
    def change(section: _Section) -> str:
        value = "true" if disabled else "false"
        match = re.search(r"^[ \t]*disabled[ \t]*=[ \t]*(?:true|false)", section.text, re.MULTILINE)
        if match:
            return section.replaced(re.escape(match[0]), re.sub(r"\w+\Z", value, match[0])).whole
        return _after_name(section, f"disabled = {value}").whole if disabled else section.whole

    _edit(path, name, change, lambda entry: msgspec.structs.replace(entry, disabled=disabled))


def rename_client(path: Path, name: str, new: str) -> None:
    """Rename a client. Its records stay its own, because its id becomes or remains the id it had before."""
    _check_name(new)

    def change(section: _Section) -> str:
        if section.entry.id is None:
            section = _after_name(section, f'id = "{section.entry.known_as}"')
        return section.replaced(rf"^([ \t]*name[ \t]*=[ \t]*)[\"']{re.escape(name)}[\"']", rf'\g<1>"{new}"').whole

    def intended(entry: ClientEntry) -> ClientEntry:
        return msgspec.structs.replace(entry, name=new, id=entry.known_as)

    _edit(path, name, change, intended, lambda others: _check_free(new, others, path))


def _edit(
    path: Path,
    name: str,
    change: Callable[[_Section], str],
    intended: Callable[[ClientEntry], ClientEntry | None],
    check: Callable[[Entries], None] = lambda others: None,
) -> None:
    """Apply `change` to the text of one entry. Raise ClientsFileError."""
    path = path.resolve()
    text = read(path)
    entries = parse(text, path)
    number = next((at for at, entry in enumerate(entries) if entry.name == name), None)
    if number is None:
        raise ClientsFileError(f"{path} has no client {name}: list the clients with `highlights-gateway keys list`.")
    before, after = entries[:number], entries[number + 1 :]
    check(before + after)
    changed = intended(entries[number])
    expected = (*before, *([changed] if changed else []), *after)
    starts = [header.start() for header in HEADER.finditer(text)]
    new = None
    if len(starts) == len(entries):
        end = [*starts, len(text)][number + 1]
        new = change(_Section(entries[number], text[: starts[number]], text[starts[number] : end], text[end:]))
    if new is None or not _reads_as(new, expected, path):
        raise ClientsFileError(
            f"{path}: this command cannot edit the entry of {name} in its present form: edit it by hand."
        )
    writing.save(path, new, before=text)


def _reads_as(text: str, expected: Entries, path: Path) -> bool:
    try:
        return parse(text, path) == expected
    except ClientsFileError:
        return False


def _listed(section: _Section, keys: Sequence[KeyEntry]) -> _Section:
    """Replace the entry's single `key_sha256` by a list of keys."""
    match = re.search(
        rf"^([ \t]*)key_sha256[ \t]*=[ \t]*[\"']{section.entry.key_sha256}[\"']", section.text, re.MULTILINE
    )
    if match is None:
        return section
    value = writing.keys_in_lines(keys, indent=match[1], line_end=section.line_end)
    return section.replaced(re.escape(match[0]), f"{match[1]}keys = {value}")


def _expiring(section: _Section, key: KeyEntry, end: datetime) -> _Section:
    match = re.search(_table_of(key), section.text)
    if match is None:
        return section
    dated = re.sub(r"(?<=expires)[ \t]*=[ \t]*[^,}]*?(?=[ \t]*[,}])", f" = {writing.time(end)}", match[0], count=1)
    if dated == match[0]:
        dated = re.sub(r"[ \t]*\}\Z", f", expires = {writing.time(end)} }}", match[0])
    return section.replaced(re.escape(match[0]), dated)


def _with_key(section: _Section, key: KeyEntry, first: KeyEntry) -> _Section:
    """Insert `key` before `first`, on a line of its own if `first` has one."""
    match = re.search(rf"^([ \t]*)(?={_table_of(first)})|(?={_table_of(first)})", section.text, re.MULTILINE)
    if match is None:
        return section
    gap = ", " if match[1] is None else f",{section.line_end}{match[1]}"
    text = f"{section.text[: match.end()]}{writing.key_table(key)}{gap}{section.text[match.end() :]}"
    return replace(section, text=text)


def _table_of(key: KeyEntry) -> str:
    """Return a pattern of the key's inline table: no two keys have the same digest."""
    return rf"\{{[^{{}}]*{key.sha256}[^{{}}]*\}}"


def _after_name(section: _Section, line: str) -> _Section:
    match = re.search(r"^([ \t]*)name[ \t]*=[^\n]*(?:\n|\Z)", section.text, re.MULTILINE)
    if match is None:
        return section
    end = "" if match[0].endswith("\n") else section.line_end
    text = f"{section.text[: match.end()]}{end}{match[1]}{line}{section.line_end}{section.text[match.end() :]}"
    return replace(section, text=text)


def _check_name(name: str) -> None:
    if not re.match(NAME, name):
        raise ClientsFileError(f"The client's name must be {ACCEPTED['name']}.")
    if name == MEDIA_PROXY:
        raise ClientsFileError(f"The client's name {RESERVED}.")


def _check_free(name: str, others: Entries, path: Path) -> None:
    taken = [other for other in others if name in (other.name, other.known_as)]
    if taken and taken[0].name == name:
        raise ClientsFileError(f"{path} already has a client {name}: choose another name, or remove that entry.")
    if taken:
        raise ClientsFileError(f"{path}: {name} is the id of the client {taken[0].name}: choose another name.")


def _new_key(now: float | None) -> tuple[str, KeyEntry]:
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return key, KeyEntry(digest_of(key).hex(), None if now is None else writing.moment(int(now)))
