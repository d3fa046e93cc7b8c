"""Multipart bodies, as clients write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

QUERY = "mutation M($files: [Upload!]!) { m(files: $files) }"
PROOF = {"graphql-require-preflight": "1"}
PHOTO, FILM = b"a photo" * 1_000, b"a film" * 50_000
LARGEST = 4_000_000


def part(name: str, content: bytes, *, filename: str | None = None, content_type: str | None = None) -> bytes:
    disposition = f'form-data; name="{name}"' + (f'; filename="{filename}"' if filename else "")
    media = f"content-type: {content_type}\r\n" if content_type else ""
    return f"--edge\r\ncontent-disposition: {disposition}\r\n{media}\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--edge--\r\n"


def operations(variables: Any, **members: Any) -> bytes:
    return part("operations", json.dumps({"query": QUERY, "variables": variables, **members}).encode())


def map_(places: Mapping[str, Any]) -> bytes:
    return part("map", json.dumps(places).encode())


def files(*contents: bytes) -> Sequence[bytes]:
    return [
        part(str(at), content, filename=f"{at}.jpg", content_type="image/jpeg") for at, content in enumerate(contents)
    ]


TWO = [operations({"files": [None, None]}), map_({"0": ["variables.files.0"], "1": ["variables.files.1"]})]
ONE = [operations({"files": [None]}), map_({"0": ["variables.files.0"]})]
