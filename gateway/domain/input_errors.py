"""What can be wrong with a field of a write: the codes of its problems."""

from __future__ import annotations

import enum


class InputErrorCode(enum.StrEnum):
    REQUIRED = "REQUIRED"
    """Left out or empty, or not exactly one of those of which one is wanted."""
    INVALID = "INVALID"
    """Not of the accepted form."""
    TOO_LONG = "TOO_LONG"
    """More characters or more entries than are taken."""
    OUT_OF_RANGE = "OUT_OF_RANGE"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    """None that this client may publish for."""
    NOT_PUBLIC = "NOT_PUBLIC"
    """A URL that is not https, or leads to no public host."""
    FORMAT = "FORMAT"
    """A file or a URL of a kind that is not taken here."""
    DAMAGED = "DAMAGED"
    """A file that cannot be read, or was cut off."""
    TOO_LARGE = "TOO_LARGE"
    """A file of more bytes or pixels than are taken."""
    CODEC = "CODEC"
    DURATION = "DURATION"
    DIMENSIONS = "DIMENSIONS"
    FRAME_RATE = "FRAME_RATE"
