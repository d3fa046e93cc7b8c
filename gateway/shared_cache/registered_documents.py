"""The documents that clients have registered with any instance, by their hash."""

from __future__ import annotations

from gateway.shared_cache.shared_cache import SharedCache


class RegisteredDocuments:
    """The documents in the cache that instances share."""

    def __init__(self, cache: SharedCache) -> None:
        self._cache = cache

    async def find(self, digest: str) -> str | None:
        """Return the text of a hash, or None. The caller checks that it has this hash."""
        data = await self._cache.find_text(self._cache.names.document(digest))
        try:
            return None if data is None else data.decode()
        except UnicodeDecodeError:
            return None

    def share(self, digest: str, text: str) -> None:
        self._cache.store_text(self._cache.names.document(digest), text.encode())
