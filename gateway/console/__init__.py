"""The console: GraphiQL, with a preview of the media and the bill beside it.

`web` holds the sources, `static` the build (`make console`): the page `index.html`, and files whose names change with
their content, all of them gzipped. `operations` holds the operations that the console sends itself; they are part of
the build. The wheel contains `static` and `operations`.
"""

from __future__ import annotations

from pathlib import Path

PAGE = "index.html"
STATIC = Path(__file__).parent / "static"
OPERATIONS = Path(__file__).parent / "operations"


def built(name: str) -> bytes | None:
    """Return the gzipped bytes of a built file; None if there is no such file, or the console is not built."""
    # Looked up in the directory listing, so that no name can escape the directory.
    names = {entry.name for entry in STATIC.iterdir()} if STATIC.is_dir() else set()
    return (STATIC / f"{name}.gz").read_bytes() if f"{name}.gz" in names else None


def built_at(name: str) -> int | None:
    """Return the build time of a file in nanoseconds; None if there is none. Cheaper than reading the file."""
    try:
        return (STATIC / f"{name}.gz").stat().st_mtime_ns
    except OSError:
        return None
