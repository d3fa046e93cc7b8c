"""A Transit engine as its API is documented: `POST /v1/MOUNT/encrypt/KEY` and `decrypt/KEY`, with a token.

https://developer.hashicorp.com/vault/api-docs/secret/transit
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

TOKEN = "hvs.transit-token"  # pragma: allowlist secret
NONCE = 12


@dataclass
class Transit:
    """The keys by mount and name. `status` is that of every answer, if it is set; `bodies` are those of requests."""

    keys: dict[str, bytes] = field(default_factory=lambda: {"transit/gateway": secrets.token_bytes(32)})
    status: int | None = None
    bodies: list[bytes] = field(default_factory=list)

    def app(self) -> Starlette:
        path = "/v1/{mount}/{act}/{name}"
        return Starlette(routes=[Route(path, self._answer, methods=["POST", "PUT"])])

    async def _answer(self, request: Request) -> JSONResponse:
        self.bodies.append(await request.body())
        if self.status is not None:
            return _refused(self.status, "internal error")
        if request.headers.get("x-vault-token") != TOKEN:
            return _refused(403, "permission denied")
        given: dict[str, Any] = await request.json()
        key = self.keys.get(f"{request.path_params['mount']}/{request.path_params['name']}")
        if key is None:  # without the capability `create` for a key that is not there
            return _refused(403, "permission denied")
        if request.path_params["act"] == "encrypt":
            nonce = secrets.token_bytes(NONCE)
            sealed = AESGCM(key).encrypt(nonce, base64.b64decode(given["plaintext"]), None)
            return _data(ciphertext="vault:v1:" + base64.b64encode(nonce + sealed).decode(), key_version=1)
        sealed = base64.b64decode(given["ciphertext"].removeprefix("vault:v1:"))
        try:
            content = AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], None)
        except (InvalidTag, ValueError):
            return _refused(400, "cipher: message authentication failed")
        return _data(plaintext=base64.b64encode(content).decode())


def _data(**values: object) -> JSONResponse:
    return JSONResponse({"request_id": "1", "lease_id": "", "renewable": False, "data": values})


def _refused(status: int, message: str) -> JSONResponse:
    return JSONResponse({"errors": [message]}, status)
