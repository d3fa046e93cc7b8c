"""Answers that need not be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.cache.response_cache import Response, Responses
from gateway.clients import Client, Right
from gateway.operations.documents import DocumentCache
from schema.context import Context

# Two ways to write the same variables are the same question.
CANONICAL = msgspec.json.Encoder(order="sorted")


class ResponseCache:
    """Finished answers of queries, by what was asked and what the client may see."""

    def __init__(self, documents: DocumentCache, responses: Responses) -> None:
        self.documents = documents
        self._responses = responses

    def key(
        self, client: Client, text: str, variables: Mapping[str, Any] | None, operation_name: str | None
    ) -> bytes | None:
        """None for what is not kept (unknown documents; what is not the same for all clients) or may not be read.

        A hash, as clients say how long the question is. Variables that the document does not declare are no part of it.
        """
        document = self.documents.find(text)
        if document is None or not document.shared or Right.READ not in client.rights:
            return None
        declared = {name: value for name, value in (variables or {}).items() if name in document.variables}
        question = CANONICAL.encode((Right.FORCE in client.rights, text, operation_name, declared))
        return hashlib.blake2b(question, digest_size=32).digest()

    def find(self, key: bytes) -> Response | None:
        return self._responses.find(key)

    def life(self, response: Response) -> float:
        """Seconds for which it is fresh."""
        return self._responses.life(response)

    def keep(self, key: bytes, data: bytes, context: Context) -> Response | None:
        """`data` is the JSON of an answer without errors. None if something in it must not be kept."""
        provenance = context.buyer.provenance()
        if provenance is None:
            return None
        response = Response(data, context.buyer.worth, provenance)
        self._responses.keep(key, response)
        return response
