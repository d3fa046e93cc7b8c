"""Documents that clients name instead of sending them.

By `documentId` (its id in a manifest, or "sha256:" and the hash), or by the hash in `extensions.persistedQuery`, which
is how automatic persisted queries go: a client that is told that its hash is unknown sends hash and document together,
once. Trusted documents are those of manifests; they are known from the start, and for ever.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

from cachetools import LRUCache

from gateway.errors import DocumentMismatch, DocumentNotTrusted, DocumentUnknown, HashUnknown, InvalidRequest
from gateway.operations.documents import DocumentCache
from gateway.operations.manifests import SHA256 as PREFIX
from gateway.operations.manifests import digest_of

PERSISTED = "persistedQuery"
KEPT = 2**24  # bytes of all texts together
OVERHEAD = 600  # bytes of each beside its text, its hash among them
SHA256 = re.compile(r"[0-9a-f]{64}")


class PersistedQueries:
    """Keeps what was sent along with its hash and turned out to be valid, so nonsense cannot push it out.

    `trusted` finds the text of an id or a hash; with `only_trusted` no other document is run. What is kept takes at
    most `max_bytes`.
    """

    def __init__(
        self,
        documents: DocumentCache,
        trusted: Callable[[str], str | None] = lambda _: None,
        *,
        only_trusted: bool = False,
        max_bytes: int = KEPT,
    ) -> None:
        self._documents = documents
        self._trusted = trusted
        self._only_trusted = only_trusted
        self._texts: LRUCache[str, str] = LRUCache(max_bytes, getsizeof=_size)

    def text(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any]) -> str:
        """The document that is asked for. Raises InvalidRequest."""
        digest = hash_in(extensions)
        if document_id is not None:
            if query is not None or digest is not None:
                raise InvalidRequest("`documentId` stands for the document: send nothing beside it.")
            return self._named(document_id)
        if query is None:
            return self._hashed(digest)
        if digest is not None and digest != digest_of(query):
            raise DocumentMismatch("persistedQuery.sha256Hash is not the SHA-256 of `query` in UTF-8.")
        if self._only_trusted and self._trusted(digest_of(query)) is None:
            raise DocumentNotTrusted("Only documents that this gateway trusts are run here: name one of them.")
        return query

    def priceable(self, document: str) -> str:
        """The text to price: `document` itself, or the one that is stored under this id or hash.

        A price tells what is in the schema, so where only trusted documents are run no other is priced. Raises
        DocumentNotTrusted.
        """
        if "{" not in document and (stored := self.find(document)) is not None:  # every text has a brace
            return stored
        if self._only_trusted and self._trusted(digest_of(document)) is None:
            raise DocumentNotTrusted("Only documents that this gateway trusts are priced here: name one of them.")
        return document

    def remember(self, text: str, extensions: Mapping[str, Any]) -> None:
        """After `text` was run."""
        digest = hash_in(extensions)
        if digest is None or self._documents.find(text) is None or self._trusted(digest) is not None:
            return
        if _size(text) <= self._texts.maxsize:
            self._texts[digest] = text

    def find(self, name: str) -> str | None:
        """The text of a documentId, or of a hash."""
        return self._find(name) or self._find(name.removeprefix(PREFIX))

    def _named(self, document_id: str) -> str:
        text = self.find(document_id)
        if text is None:
            raise DocumentUnknown("No document is stored under this documentId.")
        return text

    def _hashed(self, digest: str | None) -> str:
        if digest is None:
            raise InvalidRequest("A document must be given: `query`, `documentId`, or `extensions.persistedQuery`.")
        text = self._find(digest)
        if text is None:
            raise HashUnknown("PersistedQueryNotFound")  # some clients look for this very word
        return text

    def _find(self, id_: str) -> str | None:
        return self._texts.get(id_) or self._trusted(id_)


def _size(text: str) -> int:
    return OVERHEAD + sys.getsizeof(text)


def hash_in(extensions: Mapping[str, Any]) -> str | None:
    """Raises InvalidRequest."""
    persisted = extensions.get(PERSISTED)
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1 or not SHA256.fullmatch(digest):
        raise InvalidRequest("`extensions.persistedQuery` must have version 1 and a sha256Hash of 64 hex digits.")
    return digest
