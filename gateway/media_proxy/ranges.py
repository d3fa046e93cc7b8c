"""The Range header of RFC 9110, section 14, for a single range of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

ONE = re.compile(r"bytes=([0-9]{0,12})-([0-9]{0,12})")
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12}|\*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A range from `first` to `last`, both included; None is open. Without `first`, `last` counts from the end."""

    first: int | None
    last: int | None

    @classmethod
    def of(cls, header: str | None) -> Self | None:
        """Parse a header. Return None if it may be ignored: absent, another unit, several ranges, or invalid."""
        match = ONE.fullmatch(header.replace(" ", "")) if header else None
        if match is None or not any(match.groups()):
            return None
        first, last = (int(text) if text else None for text in match.groups())
        if first is not None and last is not None and last < first:
            return None
        return cls(first, last)

    def within(self, length: int) -> tuple[int, int] | None:
        """Return the first and last byte in a medium of `length` bytes; None if the range lies outside of it."""
        if self.first is None:
            begin, end = max(0, length - (self.last or 0)), length - 1
        else:
            begin, end = self.first, length - 1 if self.last is None else min(self.last, length - 1)
        return (begin, end) if begin <= end else None

    def __str__(self) -> str:
        first, last = ("" if end is None else str(end) for end in (self.first, self.last))
        return f"bytes={first}-{last}"


def is_valid_content_range(content_range: str, length: int | None) -> bool:
    """Return whether a server's Content-Range is valid for a body of `length` bytes."""
    match = CONTENT_RANGE.fullmatch(content_range)
    if match is None:
        return False
    first, last = int(match[1]), int(match[2])
    whole = None if match[3] == "*" else int(match[3])
    return first <= last and (whole is None or last < whole) and length in (None, last - first + 1)
