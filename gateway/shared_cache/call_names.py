"""The names under which calls and their subjects are stored: digests, which tell nothing about either."""

from __future__ import annotations

import hashlib

import msgspec

from gateway.domain.ids import Subject
from gateway.reads.endpoints import Call
from gateway.reads.facts import FactKind

# Raised whenever a body, a record or a name gets another form: instances of several versions may share one store.
FORMAT = 1
SIZE = 16  # bytes of a digest
SCOPE_SIZE = 8


class CallNames:
    """The names of one read API and account. With a `key` nobody without it can guess the call of a name.

    The braces in the prefix keep all keys of a scope on one node of a Redis cluster.
    """

    def __init__(self, *scope: str, key: bytes | None) -> None:
        self._key = b"" if key is None else hashlib.blake2b(key, digest_size=32, person=b"names").digest()
        self.prefix = f"hg{FORMAT}:{{{self._digest(*scope, size=SCOPE_SIZE)}}}:"

    def of(self, call: Call) -> str:
        return f"{self.prefix}a:{self._of(call)}"

    def lock_of(self, call: Call) -> str:
        return f"{self.prefix}l:{self._of(call)}"

    def document(self, sha256: str) -> str:
        """Return the name of a registered document."""
        return f"{self.prefix}d:{self._digest(sha256)}"

    def subject(self, kind: FactKind, subject: Subject) -> str:
        """Return the name of what an answer is about."""
        key = subject.key
        return self._digest(kind.name or "", *((key,) if isinstance(key, str) else key), size=SCOPE_SIZE)

    def _of(self, call: Call) -> str:
        return self._digest(call.endpoint.label, call.key, call.cursor, "forced" if call.forced else "")

    def _digest(self, *parts: str, size: int = SIZE) -> str:
        return hashlib.blake2b(msgspec.json.encode(parts), digest_size=size, key=self._key).hexdigest()
