"""Prepared GET requests, which differ only in their targets and share everything else."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import httpx


class GetRequestFactory:
    """A factory of one client's GET requests. `timeouts` are those of httpx, in seconds."""

    def __init__(self, base_url: str, headers: Mapping[str, str], timeouts: Mapping[str, float]) -> None:
        self.base = base_url.rstrip("/")
        self.model = httpx.Request("GET", self.base, headers=headers, extensions={"timeout": timeouts})
        self.headers = dict(self.model.headers)
        self.patience = timeouts["pool"], timeouts["connect"], timeouts["read"]

    def __call__(self, target: str) -> PreparedGet:
        return PreparedGet(self, self.base + target)

    def with_headers(self, headers: Mapping[str, str]) -> GetRequestFactory:
        """Return a factory whose requests have further headers."""
        other = copy.copy(self)
        other.headers = {**self.headers, **headers}
        other.model = httpx.Request("GET", self.base, headers=other.headers, extensions=self.model.extensions)
        return other


class PreparedGet(httpx.Request):
    """A prepared GET request. Its `url` is parsed on first access: parsing takes as long as sending the request."""

    def __init__(self, kind: GetRequestFactory, address: str) -> None:
        self.kind = kind
        self.address = address
        self.method = kind.model.method
        self.headers = kind.model.headers
        self.extensions = kind.model.extensions
        self.stream = kind.model.stream
        self._content = b""

    def with_headers(self, headers: Mapping[str, str]) -> PreparedGet:
        """Return the same request with further headers."""
        return PreparedGet(self.kind.with_headers(headers), self.address)

    def __getattr__(self, name: str) -> Any:
        if name != "url":
            raise AttributeError(name)
        self.url = httpx.URL(self.address)
        return self.url
