"""Colour profiles (ICC.1) made of the few tags that a decoder needs."""

from __future__ import annotations

import itertools
import struct

WHITE = (0.9642, 1.0, 0.8249)  # D50, of the profile connection space
# Display P3 with the curve of sRGB: the columns of its matrix, adapted to D50.
P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
CURVE = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def display_p3() -> bytes:
    colours = {name: _xyz(*column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3, strict=True)}
    curves = {name: _curve(3, *CURVE) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"RGB ", b"mntr", b"XYZ ", {b"wtpt": _xyz(*WHITE), **colours, **curves})


def grey(gamma: float) -> bytes:
    return _profile(b"GRAY", b"mntr", b"XYZ ", {b"wtpt": _xyz(*WHITE), b"kTRC": _curve(0, gamma)})


def odd_ink() -> bytes:
    """Of a press whose cyan is red: no decoder would guess so."""
    paper, red = bytes([255, 128, 128]), bytes([136, 208, 194])
    corners = b"".join(red if cyan else paper for cyan, _, _, _ in itertools.product((0, 1), repeat=4))
    straight = bytes(range(256))
    matrix = struct.pack(">9i", *(0x10000 if at % 4 == 0 else 0 for at in range(9)))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + straight * 4 + corners + straight * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"wtpt": _xyz(*WHITE), b"A2B0": table})


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _curve(kind: int, *parameters: float) -> bytes:
    return b"para" + bytes(4) + struct.pack(">HH", kind, 0) + b"".join(map(_fixed, parameters))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65_536))


def _profile(space: bytes, kind: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    at = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(content), len(data))
        content += data + bytes(-len(data) % 4)
    size = at + len(content)
    head = struct.pack(">I4sI4s4s4s12s4s", size, bytes(4), 0x04000000, kind, space, connection, b"", b"acsp")
    head += bytes(28) + b"".join(map(_fixed, WHITE))
    return head.ljust(128, b"\0") + table + content
