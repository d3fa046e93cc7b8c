"""Error codes of the input fields of a write."""

from __future__ import annotations

import enum


class InputErrorCode(enum.StrEnum):
    REQUIRED = "REQUIRED"
    """The value is missing or empty, or not exactly one of several alternatives is given."""
    INVALID = "INVALID"
    """The value has an invalid form."""
    TOO_LONG = "TOO_LONG"
    """The value has too many characters or entries."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    """The account is none that this client may publish for."""
    NOT_PUBLIC = "NOT_PUBLIC"
    """The URL is not https, or its host is not public."""
    FORMAT = "FORMAT"
    """The file, or the URL's target, has an unsupported type."""
    DAMAGED = "DAMAGED"
    """The file is unreadable or truncated."""
    TOO_LARGE = "TOO_LARGE"
    """The file has too many bytes or pixels."""
    CODEC = "CODEC"
    DURATION = "DURATION"
    DIMENSIONS = "DIMENSIONS"
    FRAME_RATE = "FRAME_RATE"
