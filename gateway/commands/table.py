"""Plain-text tables."""

from __future__ import annotations

from collections.abc import Sequence

GAP = "  "


def aligned(lines: Sequence[Sequence[str]], *, numbers_from: int) -> str:
    """Return `lines` in columns, right-aligned from column `numbers_from` on. Each line ends with a newline."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "".join(f"{_line(cells, widths, numbers_from)}\n" for cells in lines)


def _line(cells: Sequence[str], widths: Sequence[int], numbers_from: int) -> str:
    texts = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)][:numbers_from]
    numbers = [cell.rjust(width) for cell, width in zip(cells, widths, strict=True)][numbers_from:]
    return GAP.join(texts + numbers).rstrip()
