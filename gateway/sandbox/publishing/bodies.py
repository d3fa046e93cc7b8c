"""Request bodies of write calls: JSON or a form, parsed into the same values."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from gateway.sandbox.publishing.problems import MALFORMED, WriteError


@dataclass(frozen=True, slots=True)
class Body:
    """A request body.

    `values` are those of the JSON object, or for each field of a form the list of its texts; `file_type` is the content
    type of the form's file.
    """

    values: dict[str, Any] = field(default_factory=dict)
    file: bytes | None = None
    file_type: str = ""

    @property
    def fingerprint(self) -> str:
        """Return a hash of the content, independent of its encoding."""
        content = msgspec.json.encode(self.values, order="deterministic")
        return hashlib.sha256(content + b"\0" + hashlib.sha256(self.file or b"").digest()).hexdigest()

    def text(self, name: str) -> str | None:
        """Return a text or None. Raises WriteError."""
        value = self.values.get(name)
        if isinstance(value, list) and len(value) == 1:  # of a form
            value = value[0]
        if value is None or isinstance(value, str):
            return value
        raise WriteError(MALFORMED, f"{name} must be a text")

    def required(self, name: str) -> str:
        """Return a required text. Raises WriteError."""
        text = self.text(name)
        if text is None:
            raise WriteError(MALFORMED, f"{name} is required")
        return text

    def texts(self, name: str) -> list[str]:
        """Return a list of texts; ids may also be JSON numbers. Raises WriteError."""
        values = self.values.get(name) or []
        if not isinstance(values, list) or not all(isinstance(value, str | int) for value in values):
            raise WriteError(MALFORMED, f"{name} must be a list of ids")
        return [str(value) for value in values]


async def read_body(request: Request) -> Body:
    """Parse the body of a request. Raises WriteError."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("multipart/form-data", "application/x-www-form-urlencoded"):
        return await _form(request)
    raw = await request.body()
    try:
        return Body(msgspec.json.decode(raw, type=dict[str, Any])) if raw else Body()
    except msgspec.MsgspecError as exc:
        raise WriteError(MALFORMED, "The body must be a JSON object") from exc


async def _form(request: Request) -> Body:
    values: dict[str, Any] = {}
    file, file_type = None, ""
    try:
        async with request.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    file, file_type = await value.read(), value.content_type or ""
                else:
                    values.setdefault(name.removesuffix("[]"), []).append(value)
    except (HTTPException, MultiPartException) as exc:
        raise WriteError(MALFORMED, "The form cannot be read") from exc
    return Body(values, file, file_type)
