"""Persisted queries: documents that clients name instead of sending them.

A client sends a `documentId` (the id in a manifest, or "sha256:" and the hash), or the hash in
`extensions.persistedQuery`. The latter is the protocol of automatic persisted queries: after the error for an unknown
hash, the client sends hash and document together once. Trusted documents come from manifests and stay available
until these are reloaded without them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from cachetools import LRUCache

from gateway.errors import DocumentMismatch, DocumentNotTrusted, DocumentUnknown, HashUnknown, InvalidRequest
from gateway.operations.documents import DocumentCache
from gateway.operations.manifests import SHA256 as PREFIX
from gateway.operations.manifests import digest_of

PERSISTED = "persistedQuery"
MAX_BYTES = 2**24  # bytes of all texts together
OVERHEAD = 600  # bytes per text besides the text itself, including its hash
SHA256 = re.compile(r"[0-9a-f]{64}")


class TrustedDocuments(Protocol):
    """Documents that are known without being sent. `version` changes whenever an id may name another text."""

    @property
    def version(self) -> int: ...

    def find(self, id_: str, /) -> str | None:
        """Return the text of an id or of a hash."""


class NoDocuments:
    """No trusted documents."""

    version = 0

    def find(self, id_: str, /) -> None:
        """Return None for every id."""


class SharedDocuments(Protocol):
    """The documents that clients have sent to other processes, by their hash."""

    async def find(self, digest: str, /) -> str | None:
        """Return the text of a hash, or None. Raises only CancelledError."""

    def share(self, digest: str, text: str, /) -> None:
        """Store a text under its hash."""


class PersistedQueries:
    """A cache of valid documents sent with their hash. Invalid documents are not cached, so they evict nothing.

    With `only_trusted` no document but those of `trusted` is executed. The cache takes at most `max_bytes`. `shared`
    are the documents of other processes.
    """

    def __init__(
        self,
        documents: DocumentCache,
        trusted: TrustedDocuments | None = None,
        *,
        only_trusted: bool = False,
        max_bytes: int = MAX_BYTES,
        shared: SharedDocuments | None = None,
    ) -> None:
        self._shared = None if only_trusted else shared
        self.documents = documents
        self._trusted = trusted or NoDocuments()
        self._only_trusted = only_trusted
        self._texts: LRUCache[str, str] = LRUCache(max_bytes, getsizeof=_size)

    @property
    def version(self) -> int:
        """The version of the trusted documents: while it is unchanged, a document that was accepted is still so."""
        return self._trusted.version

    @property
    def size(self) -> int:
        return int(self._texts.currsize)

    async def recall(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any]) -> None:
        """Cache the requested document if it is known to other processes alone."""
        if self._shared is None or query is not None:
            return
        try:
            digest = hash_in(extensions) if document_id is None else document_id.removeprefix(PREFIX)
        except InvalidRequest:
            return  # as `text` reports
        if digest is None or not SHA256.fullmatch(digest) or self._find(digest) is not None:
            return
        text = await self._shared.find(digest)
        if text is not None and digest_of(text) == digest and _size(text) <= self._texts.maxsize:
            self._texts[digest] = text

    def text(self, query: str | None, document_id: str | None, extensions: Mapping[str, Any]) -> str:
        """Return the requested document. Raise InvalidRequest."""
        digest = hash_in(extensions)
        if document_id is not None:
            if query is not None or digest is not None:
                raise InvalidRequest(
                    "`documentId` replaces the document: omit `query` and `extensions.persistedQuery`."
                )
            return self._named(document_id)
        if query is None:
            return self._hashed(digest)
        if digest is not None and digest != digest_of(query):
            raise DocumentMismatch("persistedQuery.sha256Hash is not the SHA-256 of `query` in UTF-8.")
        if self._only_trusted and self._trusted.find(digest_of(query)) is None:
            raise DocumentNotTrusted("This gateway runs only trusted documents: send the id or hash of one.")
        return query

    def priceable(self, document: str) -> str:
        """Return the text to price: `document` itself, or the document stored under this id or hash.

        A price reveals parts of the schema, so if only trusted documents are executed, no others are priced. Raise
        DocumentNotTrusted.
        """
        if "{" not in document and (stored := self.find(document)) is not None:  # every document has a brace
            return stored
        if self._only_trusted and self._trusted.find(digest_of(document)) is None:
            raise DocumentNotTrusted("This gateway prices only trusted documents: send the id or hash of one.")
        return document

    def remember(self, text: str, extensions: Mapping[str, Any]) -> None:
        """Cache `text` under the hash in `extensions`. Call it after `text` was executed.

        With `only_trusted` nothing is cached: a reload may have withdrawn the document while it was executed.
        """
        digest = None if self._only_trusted else hash_in(extensions)
        if digest is None or self.documents.find(text) is None or self._trusted.find(digest) is not None:
            return
        if _size(text) <= self._texts.maxsize:
            is_new = digest not in self._texts
            self._texts[digest] = text
            if is_new and self._shared is not None:
                self._shared.share(digest, text)

    def find(self, name: str) -> str | None:
        """Return the text of a documentId or of a hash."""
        return self._find(name) or self._find(name.removeprefix(PREFIX))

    def _named(self, document_id: str) -> str:
        text = self.find(document_id)
        if text is None:
            raise DocumentUnknown("No document is stored under this documentId.")
        return text

    def _hashed(self, digest: str | None) -> str:
        if digest is None:
            raise InvalidRequest(
                "The request has no document: send `query`, `documentId` or `extensions.persistedQuery`."
            )
        text = self._find(digest)
        if text is None:
            raise HashUnknown("PersistedQueryNotFound")  # some clients search for this exact message
        return text

    def _find(self, id_: str) -> str | None:
        return self._texts.get(id_) or self._trusted.find(id_)


def _size(text: str) -> int:
    return OVERHEAD + sys.getsizeof(text)


def hash_in(extensions: Mapping[str, Any]) -> str | None:
    """Return the hash in `extensions.persistedQuery`. Raise InvalidRequest."""
    persisted = extensions.get(PERSISTED)
    if persisted is None:
        return None
    digest = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
    if not isinstance(digest, str) or persisted.get("version") != 1 or not SHA256.fullmatch(digest):
        raise InvalidRequest("`extensions.persistedQuery` must have version 1 and a sha256Hash of 64 hex digits.")
    return digest
