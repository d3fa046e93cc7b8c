"""The console: GraphiQL with what you get and what you pay beside it.

`web` holds the sources, `static` what is built of them (`make console`): the page `index.html`, and files whose names
change with their content, each of them gzipped. The wheel carries `static` alone.
"""

from __future__ import annotations

from importlib import resources

PAGE = "index.html"


def built(name: str) -> bytes | None:
    """The gzipped bytes of a built file; None where there is no such file, or no console was built."""
    folder = resources.files(__name__) / "static"
    # Looked up among what is there, so that no name leads elsewhere.
    names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    return (folder / f"{name}.gz").read_bytes() if f"{name}.gz" in names else None
