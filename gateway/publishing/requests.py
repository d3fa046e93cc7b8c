"""Write requests as clients send them: not yet validated, and independent of the transport."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from gateway.domain.publishing import Uploaded
from gateway.publishing.commands import OnMediaError, OnQuota


@dataclass(frozen=True, slots=True)
class MediumRequest:
    """A requested medium; exactly one of the four fields should be set."""

    url: str | None = None
    file: Uploaded | None = None
    media_id: str | None = None
    story_id: str | None = None


@dataclass(frozen=True, slots=True)
class CoverRequest:
    """A requested cover; exactly one of the four fields should be set."""

    index: int | None = None
    url: str | None = None
    file: Uploaded | None = None
    media_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """A request to create a highlight."""

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
    """A request to edit a highlight.

    Without `account`, the client's only account is meant; without `key`, the request is a new one.
    """

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
    """A request to delete a highlight; `account` and `key` are optional as in `UpdateRequest`."""

    id: str
    account: str | None
    key: str | None
    wait_seconds: int


@dataclass(frozen=True, slots=True)
class InputProblem:
    """A validation error of one field. `field` is its path from `input` down, `code` names the kind of error."""

    field: tuple[str, ...]
    code: str
    message: str


Request = CreateRequest | UpdateRequest | DeleteRequest
# Fields outside the fingerprint: the key, how long the client waits, and the claims about a file.
EXCLUDED = frozenset({"key", "wait_seconds", "filename", "content_type", "size"})


def fingerprint(request: Request) -> str:
    """Return the fingerprint of a request before validation, whose result may differ when the request is sent again."""
    content = [type(request).__name__, _without_excluded(msgspec.to_builtins(request))]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _without_excluded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_excluded(member) for name, member in value.items() if name not in EXCLUDED}
    return [_without_excluded(member) for member in value] if isinstance(value, list) else value
