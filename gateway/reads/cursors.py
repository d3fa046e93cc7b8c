"""Sealed cursors of lists that the upstream pages.

A cursor is a position: the upstream's own cursor of a page, the number of entries of that page that were returned, and
digests of the entries returned last, so that one that the next page repeats is recognized. It is encrypted with AES-SIV
(RFC 5297), bound to its list: the upstream's cursors are large and of a session, and a client that edited one would be
charged for the refusal. Equal positions have equal cursors, so that equal responses stay equal.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.domain.ids import EntityId
from gateway.errors import InvalidInput
from gateway.reads.facts import FactKind

PURPOSE = b"highlights-gateway list cursors 1"
KEY_BYTES = 32
DIGEST_BYTES = 4  # of an entry's id: one of a page of 50 is taken for another one with a chance of 1 in 670,000
MOST_RECENT = 128  # digests in a cursor: more than an observed page has entries
LONGEST = 16_000  # characters of a cursor; the upstream's own have some hundred


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a list. `cursor` is the upstream's, empty for the first page; `recent` are digests of entries."""

    cursor: str = ""
    offset: int = 0
    recent: bytes = b""

    def digests(self) -> set[bytes]:
        return {self.recent[at : at + DIGEST_BYTES] for at in range(0, len(self.recent), DIGEST_BYTES)}


START = Position()
_PLAIN = msgspec.msgpack.Decoder(tuple[str, int, bytes])


class ListCursors:
    """A cipher of positions to text and back."""

    def __init__(self, key: bytes) -> None:
        """Derive the key of the cipher from `key`, of any length."""
        self._cipher = AESSIV(hashlib.blake2b(key, person=b"list cursors", digest_size=KEY_BYTES).digest())

    def close(self, kind: FactKind, owner: EntityId, position: Position) -> str:
        """Return the cursor of a position in the list `kind` of `owner`."""
        plain = msgspec.msgpack.encode((position.cursor, position.offset, position.recent))
        sealed = self._cipher.encrypt(plain, _bound_to(kind, owner))
        return _text(sealed)

    def open(self, kind: FactKind, owner: EntityId, text: str, *, field: str) -> Position:
        """Return the position. Raise InvalidInput for any other text than a cursor of this list."""
        if len(text) <= LONGEST:
            try:
                sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
                if _text(sealed) != text:  # only the canonical encoding is accepted
                    raise ValueError
                return Position(*_PLAIN.decode(self._cipher.decrypt(sealed, _bound_to(kind, owner))))
            except (InvalidTag, binascii.Error, ValueError, msgspec.MsgspecError):
                pass
        raise InvalidInput(f"{field} is not a cursor of this list: pass one of its pageInfo.", field=field)


def _text(sealed: bytes) -> str:
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def digest(id: str) -> bytes:
    return hashlib.blake2b(id.encode(), digest_size=DIGEST_BYTES).digest()


def most_recent(digests: bytes, end: int) -> bytes:
    """Return those of the entries returned last, of all `digests` before the byte `end`."""
    return digests[max(0, end - MOST_RECENT * DIGEST_BYTES) : end]


def _bound_to(kind: FactKind, owner: EntityId) -> list[bytes]:
    return [PURPOSE, str(kind.name).encode(), owner.pk.encode()]
