"""Requests that differ in their targets alone, made once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx


class GetRequestFactory:
    """Makes the GETs of one client: they differ in their targets alone, and share all else.

    `timeouts` are those of httpx, in seconds.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], timeouts: Mapping[str, float]) -> None:
        self.base = base_url.rstrip("/")
        self.model = httpx.Request("GET", self.base, headers=headers, extensions={"timeout": timeouts})
        self.headers = dict(self.model.headers)
        self.patience = timeouts["pool"], timeouts["connect"], timeouts["read"]

    def __call__(self, target: str) -> PreparedGet:
        return PreparedGet(self, self.base + target)


class PreparedGet(httpx.Request):
    """One of them. Its `url` is parsed when somebody looks at it: that takes as long as sending the request."""

    def __init__(self, kind: GetRequestFactory, address: str) -> None:
        self.kind = kind
        self.address = address
        self.method = kind.model.method
        self.headers = kind.model.headers
        self.extensions = kind.model.extensions
        self.stream = kind.model.stream
        self._content = b""

    def __getattr__(self, name: str) -> Any:
        if name != "url":
            raise AttributeError(name)
        self.url = httpx.URL(self.address)
        return self.url
