"""Checks of videos against the upstream's contract, by their headers: ISO base media (ISO 14496-12) and QuickTime.

A file is a sequence of boxes: 4 bytes of length, 4 of type, the content; some boxes contain boxes. The metadata is in
`moov`, which may come first or last.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gateway.domain.input_errors import UserErrorCode
from gateway.uploads.formats import Unfit

LARGEST = 100_000_000  # bytes
SHORTEST, LONGEST = 3.0, 60.0  # seconds
WIDEST = 1_920  # pixels
SLOWEST, FASTEST = 23.0, 60.0  # frames a second
CODECS = frozenset({b"avc1", b"avc3", b"hvc1", b"hev1"})  # H.264 and HEVC
# A minute at 60 frames a second needs far less; a larger header is an attack.
LARGEST_HEADER = 8 * 2**20  # bytes
MOST_BOXES = 10_000
# The box types that may occur at the top level of a file (ISO 14496-12, 6.2.3; QuickTime).
KINDS = frozenset(
    {b"ftyp", b"styp", b"pdin", b"moov", b"moof", b"mfra", b"mdat", b"meta", b"meco", b"sidx", b"ssix", b"prft"}
    | {b"free", b"skip", b"wide", b"junk", b"uuid", b"udta", b"pnot", b"PICT"}
)
MOST_DIGITS = 6  # after the decimal point
QUARTER_ROTATIONS = ((0, 0x10000, -0x10000, 0), (0, -0x10000, 0x10000, 0))


@dataclass(frozen=True, slots=True)
class Video:
    """The metadata of a video. `codec` is the code of the sample entry, `width` and `height` are displayed pixels."""

    codec: bytes
    seconds: float
    width: int
    height: int
    rate: float


def check_video(path: Path) -> Video:
    """Return the metadata of a video that meets the contract. Raises Unfit and OSError."""
    size = path.stat().st_size
    if size > LARGEST:
        raise Unfit(UserErrorCode.TOO_LARGE, f"is larger than {LARGEST} bytes, the most for a video")
    with path.open("rb") as file:
        video = _read(_header(file, size))
    _check(video)
    return video


def _check(video: Video) -> None:
    if video.codec not in CODECS:
        raise Unfit(UserErrorCode.CODEC, "must be encoded with H.264 or HEVC")
    # Cutting a video at a full second may leave one frame more or less.
    frame = 1 / video.rate if video.rate > 0 else 0.0
    if not SHORTEST - frame <= video.seconds <= LONGEST + frame:
        shown = outside(video.seconds, SHORTEST, LONGEST)
        raise Unfit(UserErrorCode.DURATION, f"lasts {shown} seconds; it must be {SHORTEST:.0f} to {LONGEST:.0f}")
    if not 0 < video.width <= WIDEST:
        raise Unfit(UserErrorCode.DIMENSIONS, f"is {video.width} pixels wide; the most is {WIDEST}")
    # Rounded to a tenth: the frame rates of cameras are not exact.
    if not SLOWEST <= round(video.rate, 1) <= FASTEST:
        shown = outside(video.rate, SLOWEST, FASTEST)
        raise Unfit(UserErrorCode.FRAME_RATE, f"has {shown} frames a second; it must be {SLOWEST:.0f} to {FASTEST:.0f}")


def outside(value: float, least: float, most: float) -> str:
    """Return `value`, which is outside its limits, with as many digits as make that visible."""
    spellings = (f"{value:.{digits}f}" for digits in range(1, MOST_DIGITS))
    return next((text for text in spellings if not least <= float(text) <= most), repr(value))


def _header(file: BinaryIO, size: int) -> bytes:
    """Return the content of `moov`. Raises Unfit for a truncated file, so the heads of all boxes are read.

    Bytes that are no box count as truncation, unless the video is complete by then: editors and phones append bytes.
    """
    header = None
    has_media_data = False
    offset = boxes = 0
    while offset < size:
        kind, start, end = _box_head(file, offset, size)
        boxes += 1
        if end > size or boxes > MOST_BOXES:
            if header is not None and has_media_data and kind not in KINDS:
                break
            raise _damaged()
        if kind == b"moov" and header is None:
            if end - start > LARGEST_HEADER:
                raise _damaged()
            file.seek(start)
            header = file.read(end - start)
        has_media_data = has_media_data or kind == b"mdat"
        offset = end
    if header is None:
        raise _damaged()
    return header


def _box_head(file: BinaryIO, offset: int, size: int) -> tuple[bytes, int, int]:
    """Return the type of the box at `offset`, and the start and end of its content.

    A length of 1 means that 8 bytes of length follow, a length of 0 that the box is the last one. For bytes that are
    no box head, the type is empty and the end is beyond the file.
    """
    file.seek(offset, os.SEEK_SET)
    head = file.read(16)
    if len(head) < 8:
        return b"", offset, size + 1
    length, kind = struct.unpack_from(">I4s", head)
    start, end = offset + 8, offset + length if length else size
    if length == 1:
        if len(head) < 16:
            return b"", offset, size + 1
        start, end = offset + 16, offset + struct.unpack_from(">Q", head, 8)[0]
    return (kind, start, end) if end >= start else (b"", offset, size + 1)


def _read(header: bytes) -> Video:
    try:
        if any(kind == b"mvex" for kind, _ in _boxes(header)):
            raise Unfit(UserErrorCode.FORMAT, "is a fragmented MP4; save it as one whole")
        tracks = [track for kind, track in _boxes(header) if kind == b"trak"]
        videos = [track for track in tracks if _handler(track) == b"vide"]
        if not videos:
            raise Unfit(UserErrorCode.FORMAT, "holds no video")
        return _video(header, videos[0])
    except (struct.error, KeyError, IndexError, ZeroDivisionError) as exc:
        raise _damaged() from exc


def _video(header: bytes, track: bytes) -> Video:
    table = _descend(track, b"mdia", b"minf", b"stbl")
    codec, width, height = _sample_entry(_descend(table, b"stsd"))
    if _is_rotated(_descend(track, b"tkhd")):
        width, height = height, width
    scale, duration = _timing(_descend(track, b"mdia", b"mdhd"))
    whole_scale, whole = _timing(_descend(header, b"mvhd"))
    rate = _frame_count(_descend(table, b"stts")) * scale / duration
    return Video(codec, whole / whole_scale, width, height, rate)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    offset = 0
    for _ in range(MOST_BOXES):
        if len(content) - offset < 8:
            return
        length, kind = struct.unpack_from(">I4s", content, offset)
        end = len(content) if length == 0 else offset + length
        if end > len(content) or end < offset + 8:
            raise _damaged()
        yield kind, content[offset + 8 : end]
        offset = end
    raise _damaged()


def _descend(content: bytes, *path: bytes) -> bytes:
    """Return the content of the first box at a path of nested types. Raises KeyError."""
    for wanted in path:
        found = next((inner for kind, inner in _boxes(content) if kind == wanted), None)
        if found is None:
            raise KeyError(wanted)
        content = found
    return content


def _handler(track: bytes) -> bytes:
    return _descend(track, b"mdia", b"hdlr")[8:12]


def _timing(content: bytes) -> tuple[int, int]:
    """Return the units per second and the duration in units of `mvhd` or `mdhd`, which have the same layout."""
    scale, duration = (
        struct.unpack_from(">IQ", content, 20) if content[0] == 1 else struct.unpack_from(">II", content, 12)
    )
    return scale, duration


def _sample_entry(content: bytes) -> tuple[bytes, int, int]:
    """Return the code, width and height of the first sample entry of `stsd`."""
    code = content[12:16]
    width, height = struct.unpack_from(">HH", content, 8 + 32)
    return code, width, height


def _is_rotated(content: bytes) -> bool:
    """Return whether the matrix of `tkhd` rotates the picture by a quarter turn, as in portrait videos of phones."""
    a, b, _, c, d = struct.unpack_from(">5i", content, 52 if content[0] == 1 else 40)
    return (a, b, c, d) in QUARTER_ROTATIONS


def _frame_count(content: bytes) -> int:
    """Return the number of samples in `stts`."""
    (rows,) = struct.unpack_from(">I", content, 4)
    if 8 + rows * 8 > len(content):
        raise _damaged()
    return sum(count for count, _ in struct.iter_unpack(">II", content[8 : 8 + rows * 8]))


def _damaged() -> Unfit:
    return Unfit(UserErrorCode.DAMAGED, "is cut off, or is no MP4 or MOV file")
