"""The console: GraphiQL with what you get and what you pay beside it.

`web` holds the sources, `static` what is built of them (`make console`): the page `index.html`, and files whose names
change with their content, each of them gzipped. `operations` holds what the console asks by itself, and is built in.
The wheel carries `static` and `operations`.
"""

from __future__ import annotations

from pathlib import Path

PAGE = "index.html"
STATIC = Path(__file__).parent / "static"
OPERATIONS = Path(__file__).parent / "operations"


def built(name: str) -> bytes | None:
    """The gzipped bytes of a built file; None where there is no such file, or no console was built."""
    # Looked up among what is there, so that no name leads elsewhere.
    names = {entry.name for entry in STATIC.iterdir()} if STATIC.is_dir() else set()
    return (STATIC / f"{name}.gz").read_bytes() if f"{name}.gz" in names else None


def built_at(name: str) -> int | None:
    """When the file was built, in nanoseconds; None where there is none. Cheaper than to read it."""
    try:
        return (STATIC / f"{name}.gz").stat().st_mtime_ns
    except OSError:
        return None
