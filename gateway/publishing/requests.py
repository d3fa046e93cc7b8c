"""A write as its client asks for it: unchecked, and independent of how it came in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gateway.domain.publishing import Uploaded
from gateway.publishing.commands import OnMediaError, OnQuota


@dataclass(frozen=True, slots=True)
class MediumRequest:
    """What was given of the four; exactly one should be."""

    url: str | None = None
    file: Uploaded | None = None
    media_id: str | None = None
    story_id: str | None = None


@dataclass(frozen=True, slots=True)
class CoverRequest:
    """What was given of the four; exactly one should be."""

    index: int | None = None
    url: str | None = None
    file: Uploaded | None = None
    media_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreateRequest:
    account: str
    title: str
    media: Sequence[MediumRequest]
    cover: CoverRequest | None
    key: str
    wait_seconds: int
    on_media_error: OnMediaError
    on_quota: OnQuota


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """`account` and `key` may be left out: then it is the client's only account, and a request of its own."""

    id: str
    account: str | None
    title: str | None
    cover: CoverRequest | None
    add: Sequence[MediumRequest]
    remove: Sequence[str]
    key: str | None
    wait_seconds: int
    on_quota: OnQuota


@dataclass(frozen=True, slots=True)
class DeleteRequest:
    """As `UpdateRequest`."""

    id: str
    account: str | None
    key: str | None
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field. `field` is its path from `input` down, `code` names the kind of mistake."""

    field: tuple[str, ...]
    code: str
    message: str


Request = CreateRequest | UpdateRequest | DeleteRequest
# What does not make it another request: its name, how long its sender waits, and what a file is said to be.
ASIDE = frozenset({"key", "wait_seconds", "filename", "content_type", "size"})


def fingerprint(request: Request) -> str:
    """The same for the same request: its checks may come out otherwise when it is sent again."""
    told = [type(request).__name__, _bare(msgspec.to_builtins(request))]
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()


def _bare(value: object) -> object:
    if isinstance(value, dict):
        return {name: _bare(member) for name, member in value.items() if name not in ASIDE}
    return [_bare(member) for member in value] if isinstance(value, list) else value
