"""The picture of the packages in docs/architecture.md, made of the import map of `test_imports`.

`python -m tests.meta.package_map` writes it into the document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import zip_longest
from pathlib import Path

from tests.meta.test_imports import FORBIDDEN, GUARDED, OPEN, STEPS
from tests.meta.tree import ROOT

DOCUMENT = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- packages -->\n", "<!-- /packages -->\n"
# What each package does for a read and for a write, in the order of the way: a package may come twice.
READ = (
    ("gateway.server", "accepts the connection"),
    ("gateway.http", "identifies the client, reads the request"),
    ("gateway.clients", "knows the client's rights"),
    ("gateway.operations", "has a cached response, or parses, validates"),
    ("gateway.operations", "finds the selections"),
    ("gateway.planner", "collects requirements, plans calls"),
    ("gateway.cache", "has fresh entries"),
    ("gateway.billing", "checks and reserves the price"),
    ("gateway.upstream.hikerapi", "makes each call of the plan"),
    ("gateway.upstream.client", "rate limit, retry, circuit breaker"),
    ("gateway.cache", "stores each answer"),
    ("gateway.execution", "projects plain fields"),
    ("schema", "resolves the other fields"),
    ("gateway.loaders", "gives them facts, buys a deferred one"),
    ("gateway.http", "sends the response with its bill"),
)
WRITE = (
    ("gateway.server", "accepts the connection"),
    ("gateway.http", "identifies the client, reads files"),
    ("gateway.uploads", "checks, normalizes and spools files"),
    ("gateway.operations", "parses, validates, checks rights"),
    ("schema", "starts the write of its row"),
    ("gateway.publishing", "checks the input: a command"),
    ("gateway.durable", "records the command, runs the workflow"),
    ("gateway.publishing", "performs the workflow's phases"),
    ("gateway.upstream.platforms", "makes one attempt for each step"),
    ("gateway.upstream.client", "rate limit, circuit breaker"),
    ("gateway.composition", "has stale entries removed"),
    ("gateway.cache", "removes them"),
    ("gateway.planner", "buys the payload's selections"),
    ("gateway.http", "sends the response with the flow"),
)
COLUMN = 47


def picture() -> str:
    """Return the picture: a box for each step of the map, and beside each package its part of both ways."""
    width = max(len(_short(package)) for step in STEPS for package in step)
    gap = " " * (width + 5)
    lines = [f"{gap}{'a read':{COLUMN}}a write", f"┌{'─' * (width + 2)}┐"]
    for step in STEPS:
        if step is not STEPS[0]:
            lines.append(f"├{'─' * (width + 2)}┤")
        lines += [line for package in sorted(step) for line in _package(package, width)]
    lines += [f"└{'─' * (width + 2)}┘", "", "Open to all:", *_wrapped(sorted(OPEN))]
    lines += ["", "Beside the boxes, and who may import them:", *_rows(GUARDED)]
    lines += ["", "Below, and still not imported:", *_rows(FORBIDDEN)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def written(document: str) -> str:
    """Return the document with the picture between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}```text\n{picture()}```\n{END}{after}"


def _package(package: str, width: int) -> list[str]:
    parts = zip_longest(_numbered(READ, package), _numbered(WRITE, package), fillvalue="")
    return [
        f"│ {_short(package) if at == 0 else '':{width}} │ {read:{COLUMN}}{write}"
        for at, (read, write) in enumerate(list(parts) or [("", "")])
    ]


def _numbered(way: Iterable[tuple[str, str]], package: str) -> list[str]:
    return [f"{number:2} {does}" for number, (at, does) in enumerate(way, 1) if at == package]


def _rows(packages: Mapping[str, Iterable[str]]) -> list[str]:
    width = max(map(len, map(_short, packages)))
    return [f"  {_short(one):{width}}  {', '.join(map(_short, sorted(packages[one])))}" for one in sorted(packages)]


def _wrapped(packages: Iterable[str]) -> list[str]:
    return ["  " + ", ".join(map(_short, packages))]


def _short(package: str) -> str:
    return package.removeprefix("gateway.")


def write(path: Path) -> None:
    path.write_text(written(path.read_text()))


if __name__ == "__main__":
    write(DOCUMENT)
