"""A part of the tests, for whom all of them take too long."""

from __future__ import annotations

import argparse
import zlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """`number` of `parts`, from 1: tests are dealt out by a checksum of their names."""

    number: int
    parts: int

    @classmethod
    def read(cls, text: str) -> Part:
        """Raises ArgumentTypeError."""
        number, _, parts = text.partition("/")
        if not (number.isdigit() and parts.isdigit() and 1 <= int(number) <= int(parts)):
            raise argparse.ArgumentTypeError(f"{text!r} must be like 3/8")
        return cls(int(number), int(parts))

    def holds(self, name: str) -> bool:
        return zlib.crc32(name.encode()) % self.parts == self.number - 1
