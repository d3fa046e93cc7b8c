"""A reader of logfmt."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=]*)(?: |$)')


def pairs_in(line: str) -> Iterator[tuple[str, str]]:
    """The pairs of a line without its end."""
    at = 0
    while at < len(line):
        found = PAIR.match(line, at)
        assert found is not None, line[at:]
        yield found[1], json.loads(found[2]) if found[2].startswith('"') else found[2]
        at = found.end()
