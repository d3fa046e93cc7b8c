"""Metadata of the video in an MP4 or QuickTime file, read from its boxes (ISO/IEC 14496-12) without decoding."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

BRANDS = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  "})
WITH_64_BITS = 1


class NotAFilm(ValueError):
    """The bytes contain no valid video track."""


@dataclass(frozen=True, slots=True)
class Film:
    """A video. `codec` is the sample entry's code, such as `avc1`; `duration` is in seconds, sizes in pixels."""

    codec: str
    duration: float
    width: int
    height: int
    frame_rate: float


def looks_like_film(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def read_film(data: bytes) -> Film:
    """Return the metadata of a video. Raises NotAFilm."""
    try:
        moov = _one(data, "moov")
        for track in _all(moov, "trak"):
            if _one(_one(track, "mdia"), "hdlr")[8:12] == b"vide":
                return _film(moov, track)
    except (struct.error, ZeroDivisionError) as exc:
        raise NotAFilm("a box is cut short") from exc
    raise NotAFilm("there is no film track")


def _film(moov: bytes, track: bytes) -> Film:
    media = _one(track, "mdia")
    table = _one(_one(media, "minf"), "stbl")
    scale, length = _clock_of(_one(media, "mdhd"))
    whole_scale, whole_length = _clock_of(_one(moov, "mvhd"))
    width, height = struct.unpack(">II", _one(track, "tkhd")[-8:])  # 16.16 fixed point
    return Film(
        codec=_one(table, "stsd")[12:16].decode("latin-1"),
        duration=whole_length / whole_scale,
        width=width >> 16,
        height=height >> 16,
        frame_rate=_samples(_one(table, "stts")) * scale / length,
    )


def _clock_of(header: bytes) -> tuple[int, int]:
    """Return the ticks per second and the total ticks of an `mvhd` or `mdhd`."""
    scale, length = struct.unpack(">IQ", header[20:32]) if header[:1] == b"\1" else struct.unpack(">II", header[12:20])
    return int(scale), int(length)


def _samples(times: bytes) -> int:
    entries = struct.unpack(">I", times[4:8])[0]
    return sum(count for count, _ in struct.iter_unpack(">II", times[8 : 8 + entries * 8]))


def _one(data: bytes, name: str) -> bytes:
    for content in _all(data, name):
        return content
    raise NotAFilm(f"there is no {name} box")


def _all(data: bytes, name: str) -> Iterator[bytes]:
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        start = at + 8
        if size == WITH_64_BITS:
            size, start = struct.unpack(">Q", data[start : start + 8])[0], at + 16
        end = at + size if size else len(data)
        if end < start:
            raise NotAFilm("a box is smaller than its head")
        if kind == name.encode():
            yield data[start:end]
        at = end
