"""MP4 and MOV files made of headers alone, each of whose numbers a test can choose."""

from __future__ import annotations

import struct
from dataclasses import dataclass

UPRIGHT = (0x10000, 0, 0, 0, 0x10000)
TURNED = (0, 0x10000, 0, -0x10000, 0)


@dataclass(frozen=True, slots=True)
class Film:
    """A sound track comes first. `wide` writes all times in 64 bits, `turned` is how a phone held upright films."""

    brand: bytes = b"isom"
    codec: bytes = b"avc1"
    handler: bytes = b"vide"
    seconds: float = 10.0
    width: int = 1080
    height: int = 1920
    rate: float = 30.0
    turned: bool = False
    wide: bool = False
    moov_first: bool = True
    extra: bytes = b""

    def data(self) -> bytes:
        ftyp, mdat = box(b"ftyp", self.brand, bytes(4), self.brand), box(b"mdat", bytes(100))
        moov = box(b"moov", self._mvhd(), self._track(b"soun"), self._track(self.handler), self.extra)
        return ftyp + (moov + mdat if self.moov_first else mdat + moov)

    def _mvhd(self) -> bytes:
        return box(b"mvhd", self._timing(1000), bytes(80))

    def _timing(self, scale: int) -> bytes:
        """In the 64-bit form or in the 32-bit one."""
        duration = round(self.seconds * scale)
        if self.wide:
            return struct.pack(">B3x16xIQ", 1, scale, duration)
        return struct.pack(">B3x8xII", 0, scale, duration)

    def _track(self, handler: bytes) -> bytes:
        times = bytes(32) if self.wide else bytes(20)
        matrix = struct.pack(">5i16x", *(TURNED if self.turned else UPRIGHT))
        tkhd = box(b"tkhd", bytes([self.wide, 0, 0, 0]), times, bytes(16), matrix, bytes(8))
        hdlr = box(b"hdlr", bytes(8), handler, bytes(12), b"\0")
        size = struct.pack(">HH", self.width, self.height)
        entry = box(self.codec if handler == b"vide" else b"mp4a", bytes(24), size, bytes(50))
        stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), entry)
        frames = round(self.seconds * self.rate)
        stts = box(b"stts", bytes(4), struct.pack(">III", 1, frames, 20))
        media = box(b"mdia", box(b"mdhd", self._timing(600), bytes(4)), hdlr, box(b"minf", box(b"stbl", stsd, stts)))
        return box(b"trak", tkhd, media)


def box(kind: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), kind) + inside
