"""Inputs of writes, as clients send them: not yet validated. The input types of the graph are made of these classes.

Their docstrings and the texts of their fields are the descriptions in the graph. A field with a default may be left out
there, and null means the default.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import MISSING, dataclass, field
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec

from gateway.domain.input_errors import UserErrorCode
from gateway.domain.publishing import Uploaded
from gateway.publishing.commands import OnMediaError, OnQuota

# How long a mutation waits for its flow, in seconds: less than most proxies wait for a response.
WAIT = 25
LONGEST_WAIT = 60
DESCRIPTION = "description"

# Texts, by their scalar in the graph.
Id: TypeAlias = Annotated[str, "ID"]
Url: TypeAlias = Annotated[str, "URL"]


def described(description: str, *, default: Any = MISSING) -> Any:
    """Return a dataclass field with a description."""
    return field(default=default, metadata={DESCRIPTION: description})


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInput:
    """A medium to publish. Exactly one field must be given."""

    is_one_of: ClassVar[bool] = True

    url: Url | None = described(
        "A public https URL of a JPEG, MP4 or MOV file. The platform downloads it.", default=None
    )
    file: Uploaded | None = described(
        "A JPEG, PNG, WebP, HEIC, MP4 or MOV file, sent with the request. Images are converted to fit the platform's "
        "limits.",
        default=None,
    )
    media_id: Id | None = described("The id of a medium that was uploaded to the platform before.", default=None)
    story_id: Id | None = described("The id of a live or archived story.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverInput:
    """The cover image of a highlight. Exactly one field must be given."""

    is_one_of: ClassVar[bool] = True

    index: int | None = described("The position of one of the media in the same input, from 0.", default=None)
    url: Url | None = described("A public https URL of a JPEG file. The platform downloads it.", default=None)
    file: Uploaded | None = described("An image file, sent with the request.", default=None)
    media_id: Id | None = described("The id of a medium that was uploaded to the platform before.", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteInput:
    """The fields of every write."""

    wait_seconds: int = described(
        f"The longest time to wait for the result, in seconds, 0 to {LONGEST_WAIT}.", default=WAIT
    )

    @property
    def account(self) -> str | None:
        """The account that writes. Without one, it is the client's only account."""
        return None

    @property
    def key(self) -> str | None:
        """The idempotency key. Without one, the request is a new one."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedInput(WriteInput):
    """The fields of a write that may have an idempotency key."""

    idempotency_key: Id | None = described(
        "Identifies this request: the same key with the same input is carried out once. 1 to 200 characters.",
        default=None,
    )

    @property
    def key(self) -> str | None:
        return self.idempotency_key


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateHighlightInput(KeyedInput):
    """A highlight to create."""

    account: Id = described("The account to publish for: one of `accounts`.")
    title: str = described("The title, 1 to 16 characters.")
    media: Sequence[MediaInput] = described("The media, 1 to 100, in the order of the highlight.")
    cover: CoverInput | None = described("The cover image. Defaults to the first of the media.", default=None)
    on_media_error: OnMediaError = described("The policy for a medium that fails for good.", default=OnMediaError.FAIL)
    on_quota: OnQuota = described("The policy for an exhausted publishing quota of the account.", default=OnQuota.WAIT)
    idempotency_key: Id = described(
        "Identifies this request: the same key with the same input is carried out once. 1 to 200 characters."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateHighlightInput(KeyedInput):
    """Changes of a highlight. At least one must be given."""

    id: Id = described("The highlight: `highlight:<pk>`, or the pk alone.")
    account: Id | None = described("Its account. Defaults to the client's only account.", default=None)
    title: str | None = described("The new title, 1 to 16 characters.", default=None)
    cover: CoverInput | None = described("The new cover image; `index` is a position in `add`.", default=None)
    add: Sequence[MediaInput] = described("Media to append, at most 100.", default=())
    remove: Sequence[Id] = described("Ids of items to remove, at most 100.", default=())
    on_quota: OnQuota = described("The policy for an exhausted publishing quota of the account.", default=OnQuota.WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteHighlightInput(KeyedInput):
    """A highlight to delete. Its items stay in the account's archive."""

    id: Id = described("The highlight: `highlight:<pk>`, or the pk alone.")
    account: Id | None = described("Its account. Defaults to the client's only account.", default=None)


@dataclass(frozen=True, slots=True)
class InputProblem:
    """A validation error of one field. `field` is its path from `input` down."""

    field: tuple[str, ...]
    code: UserErrorCode
    message: str


# Fields outside the fingerprint: the key, how long the client waits, and the claims about a file.
EXCLUDED = frozenset({"idempotency_key", "wait_seconds", "filename", "content_type", "size"})


def fingerprint(input: WriteInput, name: str) -> str:
    """Return the fingerprint of an input before validation, whose result may differ when it is sent again.

    It is recorded: `name`, the names of fields and their values are hashed.
    """
    content = [name, _without_excluded(msgspec.to_builtins(input))]
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()


def _without_excluded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_excluded(member) for name, member in value.items() if name not in EXCLUDED}
    return [_without_excluded(member) for member in value] if isinstance(value, list) else value
