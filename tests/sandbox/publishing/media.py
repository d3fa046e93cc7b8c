"""Media for uploads: real JPEGs, and films that say of themselves what a test wants them to say."""

from __future__ import annotations

import io
import struct

from PIL import Image

RED, BLUE = (200, 30, 30), (30, 30, 200)


def jpeg(colour: tuple[int, int, int] = RED, size: tuple[int, int] = (90, 160)) -> bytes:
    return encoded(Image.new("RGB", size, colour), "JPEG")


def halves(size: tuple[int, int] = (90, 160)) -> bytes:
    """Red above, blue below."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (0, size[1] // 2, *size))
    return encoded(image, "JPEG")


def encoded(image: Image.Image, form: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def film(
    *,
    codec: str = "avc1",
    seconds: float = 10,
    width: int = 1080,
    height: int = 1920,
    frame_rate: float = 30,
    brand: bytes = b"isom",
    wide: bool = False,
) -> bytes:
    """An MP4 of boxes alone. `wide` writes 64-bit sizes and times, as long films have them."""
    scale = 90_000
    length = round(seconds * scale)
    frames = round(seconds * frame_rate)
    ticks = box(b"hdlr", bytes(8) + b"vide" + bytes(12))
    table = box(b"stsd", bytes(4) + count(1) + box(codec.encode(), bytes(78))) + box(
        b"stts", bytes(4) + count(1) + count(frames) + count(length // frames)
    )
    media = box(b"mdhd", times(scale, length, wide=wide)) + ticks + box(b"minf", box(b"stbl", table))
    sound = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"soun" + bytes(12))))
    head = box(b"tkhd", bytes(76) + count(width << 16) + count(height << 16))
    picture = box(b"trak", head + box(b"mdia", media))
    movie = box(b"moov", box(b"mvhd", times(scale, length, wide=wide)) + sound + picture, wide=wide)
    return box(b"ftyp", brand + bytes(4)) + movie + box(b"mdat", b"no frames")


def box(kind: bytes, content: bytes, *, wide: bool = False) -> bytes:
    if wide:
        return struct.pack(">I4sQ", 1, kind, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, kind) + content


def count(number: int) -> bytes:
    return struct.pack(">I", number)


def times(scale: int, length: int, *, wide: bool) -> bytes:
    if wide:
        return b"\1" + bytes(19) + struct.pack(">IQ", scale, length)
    return bytes(12) + struct.pack(">II", scale, length)
