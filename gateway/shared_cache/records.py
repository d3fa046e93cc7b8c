"""Outcomes of calls as bytes: compressed where that pays, and sealed if there is a key."""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import (
    CursorExpired,
    GatewayError,
    Missing,
    NotFound,
    PrivateAccount,
    Renamed,
    UpstreamInvalidAnswer,
)
from gateway.reads.endpoints import Call
from gateway.reads.port import ReadOutcome

NONCE_BYTES = 12
# Bytes from which a body is compressed, and the part of it that must be saved.
LEAST_COMPRESSED = 1_024
SAVED = 0.1
LEVEL = 1  # four fifths of what the highest saves, in a tenth of the time
RECORD = "answer"
LARGEST = 2**26  # bytes of a record when decompressed
PLAIN, COMPRESSED, SEALED_PLAIN, SEALED_COMPRESSED = b"p", b"z", b"P", b"Z"
ABSENCES: Mapping[str, type[Missing]] = {kind.code: kind for kind in (NotFound, Renamed, PrivateAccount, CursorExpired)}


class RecordedProblem(msgspec.Struct, frozen=True):
    """An absence as it is recorded."""

    code: str
    message: str
    extensions: dict[str, Any]
    subject: str | None


class SharedRecord(msgspec.Struct, frozen=True):
    """The answer to a call, or the absence, or both for a renamed user. It was fetched at these Unix seconds."""

    fetched_at: float
    body: bytes
    problem: RecordedProblem | None = None


_DECODER = msgspec.msgpack.Decoder(SharedRecord)


class RecordCodec:
    """Records as bytes and back, encrypted with `key` if there is one. Bytes that are not a record are read as None."""

    def __init__(self, key: bytes | None = None) -> None:
        self._cipher = None if key is None else AESGCM(key)

    def encode(self, record: SharedRecord) -> bytes:
        return self.close(RECORD, msgspec.msgpack.encode(record))

    def decode(self, value: bytes) -> SharedRecord | None:
        plain = self.open(RECORD, value)
        try:
            return None if plain is None else _DECODER.decode(plain)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def close(self, use: str, plain: bytes) -> bytes:
        """Return the stored form of bytes. Those of one use are not read as those of another."""
        packed = zlib.compress(plain, LEVEL) if len(plain) >= LEAST_COMPRESSED else plain
        is_smaller = len(packed) < len(plain) * (1 - SAVED)
        content = packed if is_smaller else plain
        if self._cipher is None:
            return (COMPRESSED if is_smaller else PLAIN) + content
        form, nonce = SEALED_COMPRESSED if is_smaller else SEALED_PLAIN, secrets.token_bytes(NONCE_BYTES)
        return form + nonce + self._cipher.encrypt(nonce, content, form + use.encode())

    def open(self, use: str, value: bytes) -> bytes | None:
        """Return the bytes of a stored form; None for another form, or one that is sealed with another key."""
        form, content = value[:1], value[1:]
        if self._cipher is not None:
            try:
                nonce, sealed = content[:NONCE_BYTES], content[NONCE_BYTES:]
                content = self._cipher.decrypt(nonce, sealed, form + use.encode())
            except (InvalidTag, ValueError):
                return None
            form = form.lower() if form in (SEALED_PLAIN, SEALED_COMPRESSED) else b""
        if form == PLAIN:
            return content
        return _decompressed(content) if form == COMPRESSED else None


def _decompressed(content: bytes) -> bytes | None:
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(content, LARGEST)
    except zlib.error:
        return None
    return plain if unpacking.eof else None


def record_of(outcome: ReadOutcome, fetched_at: float) -> SharedRecord | None:
    """Return the record of an outcome; None if it is a failure, which is nobody else's."""
    problem = outcome.problem
    if problem is None:
        return SharedRecord(fetched_at, outcome.body)
    if not isinstance(problem, Missing) or problem.code not in ABSENCES:
        return None
    extensions = {name: value for name, value in problem.extensions.items() if name != "charged"}
    recorded = RecordedProblem(problem.code, problem.message, extensions, problem.subject)
    return SharedRecord(fetched_at, outcome.body, recorded)


def outcome_of(call: Call, record: SharedRecord) -> ReadOutcome | None:
    """Return the outcome of `call` that was recorded, free of charge; None if it cannot be read any more."""
    try:
        problem = None if record.problem is None else _problem_of(record.problem)
        value = call.read(record.body) if record.body else None
    except (UpstreamInvalidAnswer, LookupError):
        return None
    if value is None and problem is None:
        return None
    return ReadOutcome(
        call, value, record.body, problem, charged=0, in_doubt=False, seconds=0.0, attempts=0, is_shared=True
    )


def _problem_of(recorded: RecordedProblem) -> GatewayError:
    """Return the absence. Raise LookupError for another code."""
    extensions = {name: value for name, value in recorded.extensions.items() if name != "code"}
    problem = ABSENCES[recorded.code](recorded.message, **extensions)
    problem.subject = recorded.subject
    return problem
