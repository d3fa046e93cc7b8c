"""Videos against the upstream's contract, by their headers alone: ISO base media files (ISO 14496-12) and QuickTime.

A file is a row of boxes: 4 bytes of length, 4 of type, the content; some boxes hold boxes. What is asked for lies in
`moov`, which may come first or last.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.domain.input_errors import InputErrorCode
from gateway.uploads.formats import Unfit

LARGEST = 100_000_000  # bytes
SHORTEST, LONGEST = 3.0, 60.0  # seconds
WIDEST = 1_920  # pixels
SLOWEST, FASTEST = 23.0, 60.0  # frames a second
CODECS = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1"})  # H.264 and HEVC
# Of a minute at 60 frames a second: far less. What is larger was made to be.
LARGEST_HEADER = 8 * 2**20  # bytes
MOST_BOXES = 10_000
# What a file may hold beside its film, on the uppermost level (ISO 14496-12, 6.2.3; QuickTime).
KINDS = frozenset(
    {b"ftyp", b"styp", b"pdin", b"moov", b"moof", b"mfra", b"mdat", b"meta", b"meco", b"sidx", b"ssix", b"prft"}
    | {b"free", b"skip", b"wide", b"junk", b"uuid", b"udta", b"pnot", b"PICT"}
)
MOST_DIGITS = 6  # behind the point
QUARTER_TURNS = ((0, 0x10000, -0x10000, 0), (0, -0x10000, 0x10000, 0))


@dataclass(frozen=True, slots=True)
class Video:
    """What the headers say. `codec` is the sample entry's code, `width` and `height` are as shown, in pixels."""

    codec: bytes
    seconds: float
    width: int
    height: int
    rate: float


def check_video(path: Path) -> Video:
    """Raises Unfit and OSError."""
    size = path.stat().st_size
    if size > LARGEST:
        raise Unfit(InputErrorCode.TOO_LARGE, f"is larger than {LARGEST} bytes, the most for a video")
    with path.open("rb") as file:
        video = _read(_header(file, size))
    _check(video)
    return video


def _check(video: Video) -> None:
    if video.codec not in CODECS:
        raise Unfit(InputErrorCode.CODEC, "must be encoded with H.264 or HEVC")
    # A frame more or less is what cutting on a second leaves.
    frame = 1 / video.rate if video.rate > 0 else 0.0
    if not SHORTEST - frame <= video.seconds <= LONGEST + frame:
        told = outside(video.seconds, SHORTEST, LONGEST)
        raise Unfit(InputErrorCode.DURATION, f"lasts {told} seconds; it must be {SHORTEST:.0f} to {LONGEST:.0f}")
    if not 0 < video.width <= WIDEST:
        raise Unfit(InputErrorCode.DIMENSIONS, f"is {video.width} pixels wide; the most is {WIDEST}")
    # To a tenth: cameras are not exact about the rate they name.
    if not SLOWEST <= round(video.rate, 1) <= FASTEST:
        told = outside(video.rate, SLOWEST, FASTEST)
        raise Unfit(InputErrorCode.FRAME_RATE, f"has {told} frames a second; it must be {SLOWEST:.0f} to {FASTEST:.0f}")


def outside(value: float, least: float, most: float) -> str:
    """`value`, which is not within its limits, in as many digits as show that."""
    spellings = (f"{value:.{digits}f}" for digits in range(1, MOST_DIGITS))
    return next((text for text in spellings if not least <= float(text) <= most), repr(value))


def _header(file: BinaryIO, size: int) -> bytes:
    """The content of `moov`. All boxes are passed over, so that a file that was cut off is found out.

    Whatever is no box is cut off, too, unless the film is whole by then: editors and phones leave bytes at the end.
    """
    header = None
    has_film = False
    at = boxes = 0
    while at < size:
        kind, start, end = _outline(file, at, size)
        boxes += 1
        if end > size or boxes > MOST_BOXES:
            if header is not None and has_film and kind not in KINDS:
                break
            raise _damaged()
        if kind == b"moov" and header is None:
            if end - start > LARGEST_HEADER:
                raise _damaged()
            file.seek(start)
            header = file.read(end - start)
        has_film = has_film or kind == b"mdat"
        at = end
    if header is None:
        raise _damaged()
    return header


def _outline(file: BinaryIO, at: int, size: int) -> tuple[bytes, int, int]:
    """Type, begin and end of the content of the box at `at`. A length of 1 says that 8 bytes of length follow, 0 that
    the box is the last. What is no head of a box has no type, and an end beyond the file."""
    file.seek(at, os.SEEK_SET)
    head = file.read(16)
    if len(head) < 8:
        return b"", at, size + 1
    length, kind = struct.unpack_from(">I4s", head)
    start, end = at + 8, at + length if length else size
    if length == 1:
        if len(head) < 16:
            return b"", at, size + 1
        start, end = at + 16, at + struct.unpack_from(">Q", head, 8)[0]
    return (kind, start, end) if end >= start else (b"", at, size + 1)


def _read(header: bytes) -> Video:
    try:
        if any(kind == b"mvex" for kind, _ in _boxes(header)):
            raise Unfit(InputErrorCode.FORMAT, "is a fragmented MP4; save it as one whole")
        tracks = [track for kind, track in _boxes(header) if kind == b"trak"]
        videos = [track for track in tracks if _handler(track) == b"vide"]
        if not videos:
            raise Unfit(InputErrorCode.FORMAT, "holds no video")
        return _video(header, videos[0])
    except (struct.error, KeyError, IndexError, ZeroDivisionError) as exc:
        raise _damaged() from exc


def _video(header: bytes, track: bytes) -> Video:
    table = _inside(track, b"mdia", b"minf", b"stbl")
    codec, width, height = _entry(_inside(table, b"stsd"))
    if _is_turned(_inside(track, b"tkhd")):
        width, height = height, width
    scale, duration = _timing(_inside(track, b"mdia", b"mdhd"))
    whole_scale, whole = _timing(_inside(header, b"mvhd"))
    rate = _frames(_inside(table, b"stts")) * scale / duration
    return Video(codec, whole / whole_scale, width, height, rate)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    for _ in range(MOST_BOXES):
        if len(content) - at < 8:
            return
        length, kind = struct.unpack_from(">I4s", content, at)
        end = len(content) if length == 0 else at + length
        if end > len(content) or end < at + 8:
            raise _damaged()
        yield kind, content[at + 8 : end]
        at = end
    raise _damaged()


def _inside(content: bytes, *path: bytes) -> bytes:
    """The first box of each type, one in the other. Raises KeyError."""
    for wanted in path:
        found = next((inner for kind, inner in _boxes(content) if kind == wanted), None)
        if found is None:
            raise KeyError(wanted)
        content = found
    return content


def _handler(track: bytes) -> bytes:
    return _inside(track, b"mdia", b"hdlr")[8:12]


def _timing(content: bytes) -> tuple[int, int]:
    """Units a second, and the duration in units, of `mvhd` and `mdhd`: they begin alike."""
    scale, duration = (
        struct.unpack_from(">IQ", content, 20) if content[0] == 1 else struct.unpack_from(">II", content, 12)
    )
    return scale, duration


def _entry(content: bytes) -> tuple[bytes, int, int]:
    """Code, width and height of the first sample entry of `stsd`."""
    code = content[12:16]
    width, height = struct.unpack_from(">HH", content, 8 + 32)
    return code, width, height


def _is_turned(content: bytes) -> bool:
    """Phones film lying down, and say in the matrix of `tkhd` that the picture is to be turned."""
    a, b, _, c, d = struct.unpack_from(">5i", content, 52 if content[0] == 1 else 40)
    return (a, b, c, d) in QUARTER_TURNS


def _frames(content: bytes) -> int:
    """How many samples `stts` counts."""
    (rows,) = struct.unpack_from(">I", content, 4)
    if 8 + rows * 8 > len(content):
        raise _damaged()
    return sum(count for count, _ in struct.iter_unpack(">II", content[8 : 8 + rows * 8]))


def _damaged() -> Unfit:
    return Unfit(InputErrorCode.DAMAGED, "is cut off, or is no MP4 or MOV file")
