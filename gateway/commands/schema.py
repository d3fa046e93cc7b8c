"""The `schema` command: print the schema, or check the two committed files."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Mapping
from pathlib import Path


def schema(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    from schema import build

    if arguments.guarded:
        print(build.subgraph_sdl(guards=True), end="")
        return 0
    folder = Path(build.__file__).parent
    printed = {folder / "schema.graphql": build.subgraph_sdl(), folder / "api.graphql": build.api_sdl()}
    changes = [change for path, sdl in printed.items() if (change := _change(path, sdl))]
    if arguments.check:
        print("\n".join([*changes, "Run `make schema`."]) if changes else "The printed schema is up to date.")
        return 1 if changes else 0
    for path, sdl in printed.items():
        path.write_text(sdl, encoding="utf-8")
    return 0


def _change(path: Path, sdl: str) -> str:
    """Return a unified diff from the file to `sdl`; empty if they are equal."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), sdl.splitlines(), path.name, f"{path.name}, as printed now", lineterm=""
    )
    return "\n".join(lines)
