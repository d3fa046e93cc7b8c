"""The clients file as commands change it. What else stands in it stays as it is: order, comments, ends of line.

It is changed as text, at the places of one entry, and read again before it is written: a file in which the change is
not what was meant, because it is written in a way that is not foreseen here, is refused and left alone.
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
from gateway.clients.client import FINGERPRINT, Right
from gateway.clients.entries import (
    ACCEPTED,
    ACCOUNT,
    HEADER,
    MEDIA_PROXY,
    NAME,
    RESERVED,
    ClientsFileError,
    Entry,
    KeyEntry,
    parse,
    read,
)
from gateway.clients.table import digest_of
from gateway.domain.window import Window

KEY_PREFIX = "hg_"
KEY_BYTES = 32
LEAST_FINGERPRINT = 4  # hex digits that name a key
# What ends an entry and is not of it: comments there are about what follows.
TRAILING = re.compile(r"(?:^[ \t]*(?:#[^\n]*)?\r?(?:\n|\Z))+\Z", re.MULTILINE)

Entries: TypeAlias = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class _Section:
    """One entry, and where its text stands in the file: from `before` to `after`."""

    entry: Entry
    before: str
    text: str
    after: str

    @property
    def line_end(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"

    def replaced(self, pattern: str, new: str) -> _Section:
        """With `new`, a template, for the first match: where there is none, the check of the whole finds that out."""
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
    now: float | None = None,
) -> str:
    """Appends a client to the file, which is made where it is not, and returns its key: nobody can read it again.

    `now`, in Unix seconds, is written down as when the key was made. Raises ClientsFileError for a name that is taken,
    for limits and accounts the file does not accept, and for a file that is broken already.
    """
    path = path.resolve()  # a link stays a link: what it points to is replaced
    text = read(path) if path.exists() else ""
    entries = parse(text, path)
    _check_name(name)
    for account in accounts or ():
        if not re.match(ACCOUNT, account):
            raise ClientsFileError("An account must be given by its id, a number: the name of one may change.")
    _check_free(name, entries, path)
    key, made = _new_key(now)
    entry = writing.entry(name, made, allowance=allowance, ceiling=ceiling, rights=rights, accounts=accounts)
    separator = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    new = f"{text}{separator}{entry}"
    parse(new, path)
    writing.save(path, new, before=text)
    return key


def rotate_key(path: Path, name: str, *, overlap: float, now: float) -> str:
    """A new key for a client, whose other keys expire after `overlap` seconds, unless they do so sooner."""
    key, made = _new_key(now)
    end = writing.moment(int(now + overlap))

    def aging(entry: Entry) -> list[KeyEntry]:
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

    def meant(entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, key_sha256=None, keys=(made, *aging(entry)))

    _edit(path, name, change, meant)
    return key


def remove_client(path: Path, name: str) -> None:
    """Its entry and what is written within. Comments before and after it stay."""

    def change(section: _Section) -> str:
        trailing = TRAILING.search(section.text)
        rest = trailing[0] if trailing else ""
        if section.before.endswith(("\n\n", "\n\r\n")) or not section.before:
            rest = re.sub(r"\A\r?\n", "", rest)
        return section.before + rest + section.after

    _edit(path, name, change, lambda entry: None)


def remove_key(path: Path, name: str, fingerprint: str) -> None:
    """One of several keys of a client."""
    if len(fingerprint) < LEAST_FINGERPRINT:
        raise ClientsFileError(f"Name the key by {LEAST_FINGERPRINT} digits of its fingerprint at least.")

    def chosen(entry: Entry) -> KeyEntry:
        found = [key for key in entry.all_keys if key.sha256[:FINGERPRINT].startswith(fingerprint)]
        if len(found) != 1:
            raise ClientsFileError(f"{name} has {len(found)} keys {fingerprint}: `keys list` shows what it has.")
        if len(entry.all_keys) == 1:
            raise ClientsFileError(f"It is the only key of {name}: rotate it, or disable or remove the client.")
        return found[0]

    def change(section: _Section) -> str:
        table = _table_of(chosen(section.entry))
        alone = rf"^[ \t]*{table}[ \t]*,?[ \t]*(?:#[^\n]*)?\n"
        pattern = alone if re.search(alone, section.text, re.MULTILINE) else rf"{table}[ \t]*(?:,[ \t]*)?"
        return section.replaced(pattern, "").whole

    def meant(entry: Entry) -> Entry:
        gone = chosen(entry)
        return msgspec.structs.replace(entry, keys=tuple(key for key in entry.all_keys if key != gone))

    _edit(path, name, change, meant)


def set_disabled(path: Path, name: str, *, disabled: bool) -> None:
    def change(section: _Section) -> str:
        value = "true" if disabled else "false"
        told = re.search(r"^[ \t]*disabled[ \t]*=[ \t]*(?:true|false)", section.text, re.MULTILINE)
        if told:
            return section.replaced(re.escape(told[0]), re.sub(r"\w+\Z", value, told[0])).whole
        return _after_name(section, f"disabled = {value}").whole if disabled else section.whole

    _edit(path, name, change, lambda entry: msgspec.structs.replace(entry, disabled=disabled))


def rename_client(path: Path, name: str, new: str) -> None:
    """What is the client's stays so: its id is what it was called before."""
    _check_name(new)

    def change(section: _Section) -> str:
        if section.entry.id is None:
            section = _after_name(section, f'id = "{section.entry.known_as}"')
        return section.replaced(rf"^([ \t]*name[ \t]*=[ \t]*)[\"']{re.escape(name)}[\"']", rf'\g<1>"{new}"').whole

    def meant(entry: Entry) -> Entry:
        return msgspec.structs.replace(entry, name=new, id=entry.known_as)

    _edit(path, name, change, meant, lambda others: _check_free(new, others, path))


def _edit(
    path: Path,
    name: str,
    change: Callable[[_Section], str],
    meant: Callable[[Entry], Entry | None],
    check: Callable[[Entries], None] = lambda others: None,
) -> None:
    """Raises ClientsFileError."""
    path = path.resolve()
    text = read(path)
    entries = parse(text, path)
    number = next((at for at, entry in enumerate(entries) if entry.name == name), None)
    if number is None:
        raise ClientsFileError(f"{path} has no client named {name}: `highlights-gateway keys list` shows those it has.")
    before, after = entries[:number], entries[number + 1 :]
    check(before + after)
    changed = meant(entries[number])
    expected = (*before, *([changed] if changed else []), *after)
    starts = [header.start() for header in HEADER.finditer(text)]
    new = None
    if len(starts) == len(entries):
        end = [*starts, len(text)][number + 1]
        new = change(_Section(entries[number], text[: starts[number]], text[starts[number] : end], text[end:]))
    if new is None or not _reads_as(new, expected, path):
        raise ClientsFileError(
            f"{path}: the entry of {name} is written in a way that this command cannot change: change it by hand."
        )
    writing.save(path, new, before=text)


def _reads_as(text: str, expected: Entries, path: Path) -> bool:
    try:
        return parse(text, path) == expected
    except ClientsFileError:
        return False


def _listed(section: _Section, keys: Sequence[KeyEntry]) -> _Section:
    """With a list of keys in place of its one `key_sha256`."""
    told = re.search(
        rf"^([ \t]*)key_sha256[ \t]*=[ \t]*[\"']{section.entry.key_sha256}[\"']", section.text, re.MULTILINE
    )
    if told is None:
        return section
    value = writing.keys_in_lines(keys, indent=told[1], line_end=section.line_end)
    return section.replaced(re.escape(told[0]), f"{told[1]}keys = {value}")


def _expiring(section: _Section, key: KeyEntry, end: datetime) -> _Section:
    told = re.search(_table_of(key), section.text)
    if told is None:
        return section
    dated = re.sub(r"(?<=expires)[ \t]*=[ \t]*[^,}]*?(?=[ \t]*[,}])", f" = {writing.time(end)}", told[0], count=1)
    if dated == told[0]:
        dated = re.sub(r"[ \t]*\}\Z", f", expires = {writing.time(end)} }}", told[0])
    return section.replaced(re.escape(told[0]), dated)


def _with_key(section: _Section, key: KeyEntry, first: KeyEntry) -> _Section:
    """`key` before `first`, in a line of its own where that has one."""
    told = re.search(rf"^([ \t]*)(?={_table_of(first)})|(?={_table_of(first)})", section.text, re.MULTILINE)
    if told is None:
        return section
    gap = ", " if told[1] is None else f",{section.line_end}{told[1]}"
    text = f"{section.text[: told.end()]}{writing.key_table(key)}{gap}{section.text[told.end() :]}"
    return replace(section, text=text)


def _table_of(key: KeyEntry) -> str:
    """A pattern of the inline table of a key: no two keys are the same."""
    return rf"\{{[^{{}}]*{key.sha256}[^{{}}]*\}}"


def _after_name(section: _Section, line: str) -> _Section:
    told = re.search(r"^([ \t]*)name[ \t]*=[^\n]*(?:\n|\Z)", section.text, re.MULTILINE)
    if told is None:
        return section
    end = "" if told[0].endswith("\n") else section.line_end
    text = f"{section.text[: told.end()]}{end}{told[1]}{line}{section.line_end}{section.text[told.end() :]}"
    return replace(section, text=text)


def _check_name(name: str) -> None:
    if not re.match(NAME, name):
        raise ClientsFileError(f"The client's name must be {ACCEPTED['name']}.")
    if name == MEDIA_PROXY:
        raise ClientsFileError(f"The client's name {RESERVED}.")


def _check_free(name: str, others: Entries, path: Path) -> None:
    taken = [other for other in others if name in (other.name, other.known_as)]
    if taken and taken[0].name == name:
        raise ClientsFileError(f"{path} has a client named {name} already: take another name, or delete that entry.")
    if taken:
        raise ClientsFileError(f"{path}: {name} is the id of the client {taken[0].name}: take another name.")


def _new_key(now: float | None) -> tuple[str, KeyEntry]:
    key = KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)
    return key, KeyEntry(digest_of(key).hex(), None if now is None else writing.moment(int(now)))
