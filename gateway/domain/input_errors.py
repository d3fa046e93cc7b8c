"""Codes of the errors that a client corrects in its input."""

from __future__ import annotations

import enum


class UserErrorCode(enum.StrEnum):
    REQUIRED = "REQUIRED"
    INVALID = "INVALID"
    TOO_LONG = "TOO_LONG"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_ACCOUNT = "UNKNOWN_ACCOUNT"
    NOT_PUBLIC = "NOT_PUBLIC"
    FORMAT = "FORMAT"
    DAMAGED = "DAMAGED"
    TOO_LARGE = "TOO_LARGE"
    CODEC = "CODEC"
    DURATION = "DURATION"
    DIMENSIONS = "DIMENSIONS"
    FRAME_RATE = "FRAME_RATE"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    UNSUPPORTED_BY_PLATFORM = "UNSUPPORTED_BY_PLATFORM"
