"""The cache of finished query responses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.cache.response_cache import Response, Responses
from gateway.clients import Client, Right
from gateway.operations.documents import DocumentCache
from schema.context import Context

# Different spellings of equal variables have the same cache key.
CANONICAL = msgspec.json.Encoder(order="sorted")


class ResponseCache:
    """Finished responses of queries, by request and by the client's rights."""

    def __init__(self, documents: DocumentCache, responses: Responses[Any]) -> None:
        self.documents = documents
        self.responses = responses

    def key(
        self, client: Client, text: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> bytes | None:
        """Return the cache key, or None if the response is not cacheable or the client may not read it.

        Not cacheable are unknown documents and responses that differ between clients. The key is a hash, because
        clients determine the size of a request. Variables that the document does not declare are not part of the key.
        """
        document = self.documents.find(text)
        if document is None or not document.shared or Right.READ not in client.rights:
            return None
        declared = {name: value for name, value in (variables or {}).items() if name in document.variables}
        question = CANONICAL.encode((Right.FORCE in client.rights, text, operation_name, declared))
        return hashlib.blake2b(question, digest_size=32).digest()

    def find(self, key: bytes) -> Response | None:
        """Return the cached response of `key` if it is still valid, and count it as an answer."""
        response = self.responses.find(key)
        if response is not None:
            self.responses.hits += 1
        return response

    def keep(self, key: bytes, data: bytes, context: Context) -> Response | None:
        """Cache `data`, the JSON of a response without errors. Return None if a part of it must not be cached."""
        self.responses.misses += 1
        provenance = context.fetcher.provenance()
        if provenance is None:
            return None
        response = Response(data, context.fetcher.worth, provenance)
        self.responses.keep(key, response)
        return response
