"""The chain of the audit trail: each entry carries a MAC over itself and the MAC of the entry before.

An entry that is changed, added in between, or removed breaks the chain for anybody who lacks the key. The head, which
has a MAC of its own, says which entry is the last, so that entries that are cut off at the end are missed as well.
Nothing in a store shows that the whole of it was replaced by an older copy of itself: that shows only beside an entry
that was noted elsewhere.
"""

from __future__ import annotations

import enum
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

FIRST = bytes(32)
"""The MAC before the first entry."""
PURPOSE = b"highlights-gateway audit 1 "


class AuditUnavailable(Exception):
    """The audit trail cannot be read or written now, or was written with another key."""


class Action(enum.Enum):
    """An action that the trail records."""

    KEY_ADDED = "key.added"
    KEY_ROTATED = "key.rotated"
    KEY_REMOVED = "key.removed"
    CLIENT_DISABLED = "client.disabled"
    CLIENT_ENABLED = "client.enabled"
    CLIENT_RENAMED = "client.renamed"
    CLIENT_REMOVED = "client.removed"
    RESTORED = "restored"
    ERASURE_REQUESTED = "erasure.requested"
    ERASED = "erased"
    DEAUTHORIZED = "deauthorized"


class SubjectKind(enum.Enum):
    """A kind of subject. The same name of another kind has another pseudonym."""

    ACCOUNT = "account"
    CLIENT = "client"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An entry. `at` is UTC in ISO 8601, `subject` a pseudonym or empty; `details` have no personal data."""

    number: int
    at: str
    actor: str
    action: str
    subject: str
    details: str
    mac: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a trail, as it is recorded beside the entries."""

    number: int
    mac: bytes
    proof: bytes


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a check. `problems` are sentences, none if all is as it was written."""

    entries: int
    last: bytes
    problems: Sequence[str] = field(default_factory=tuple)


class AuditKey:
    """The MACs and pseudonyms under one key."""

    def __init__(self, key: bytes) -> None:
        self._chain = _derived(key, b"chain")
        self._heads = _derived(key, b"head")
        self._subjects = _derived(key, b"subject")
        self.sealing = _derived(key, b"sealing")
        """A key for what must be encrypted as long as a request about a subject is not done."""

    def pseudonym(self, kind: SubjectKind, name: str) -> str:
        """Return the pseudonym of a subject: the same each time, and nothing leads back from it without the key."""
        return hmac.new(self._subjects, f"{kind.value}:{name}".encode(), hashlib.sha256).hexdigest()[:32]

    def entry(
        self, before: Head, at: float, actor: str, action: Action, subject: str, details: Mapping[str, object]
    ) -> AuditEntry:
        """Return the entry that follows a head. `at` is in Unix seconds."""
        written = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
        text = json.dumps(details, sort_keys=True, separators=(",", ":"), allow_nan=False)
        entry = AuditEntry(before.number + 1, written, actor, action.value, subject, text, b"")
        return AuditEntry(entry.number, written, actor, action.value, subject, text, self._mac(before.mac, entry))

    def head(self, number: int, mac: bytes) -> Head:
        return Head(number, mac, hmac.new(self._heads, b"%d:" % number + mac, hashlib.sha256).digest())

    def proves(self, head: Head) -> bool:
        """Return whether the head was written with this key."""
        return hmac.compare_digest(self.head(head.number, head.mac).proof, head.proof)

    def verify(self, entries: Iterable[AuditEntry], head: Head | None, known: Head | None = None) -> Verification:
        """Check the whole trail. `known` is an earlier head that was noted elsewhere; its proof does not matter."""
        problems, number, last, is_known = list[str](), 0, FIRST, known is None
        for entry in entries:
            number += 1
            if entry.number != number:
                problems.append(f"{_missing(number, entry.number - 1)} removed.")
                number = entry.number
            elif not hmac.compare_digest(self._mac(last, entry), entry.mac):
                problems.append(f"Entry {number} was changed, or an entry before it was removed or added.")
            last = entry.mac
            if known is not None and number == known.number:
                is_known = hmac.compare_digest(last, known.mac)
        problems += self._problems_of_end(number, last, head)
        if not is_known:
            problems.append("The trail does not contain the entry that was noted: it was replaced, or cut off.")
        return Verification(number, last, tuple(problems))

    def _problems_of_end(self, number: int, last: bytes, head: Head | None) -> Iterable[str]:
        if head is None:
            if number:
                yield "The record of the last entry is missing: entries may have been cut off at the end."
        elif head != self.head(head.number, head.mac):
            yield "The record of the last entry was changed: entries may have been cut off at the end."
        elif number < head.number:
            yield f"{_missing(number + 1, head.number)} cut off at the end."
        elif (number, last) != (head.number, head.mac):
            yield "Entries were added at the end, or the last one was changed."

    def _mac(self, before: bytes, entry: AuditEntry) -> bytes:
        fields = (entry.number, entry.at, entry.actor, entry.action, entry.subject, entry.details)
        canonical = json.dumps(fields, separators=(",", ":")).encode()
        return hmac.new(self._chain, before + canonical, hashlib.sha256).digest()


def _missing(first: int, last: int) -> str:
    return f"Entry {first} was" if first == last else f"Entries {first} to {last} were"


def _derived(key: bytes, use: bytes) -> bytes:
    return hmac.new(key, PURPOSE + use, hashlib.sha256).digest()
