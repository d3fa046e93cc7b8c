"""docs/architecture.md lists all that outlives a request because somebody sent it, and what bounds it."""

from __future__ import annotations

import re

from tests.meta.tree import ROOT, texts

KEEPS = re.compile(
    r"= \w*(?:LRUCache|TTLCache|WeakValueDictionary|OrderedDict)\(|@(?:functools\.)?(?:lru_)?cache\b|Pointers\("
)


def test_each_memory_is_listed_with_its_bound() -> None:
    """The sandbox is an upstream, and remembers what it likes."""
    keeping = {
        str(path)
        for path, text in texts(".py")
        if path.parts[0] in ("gateway", "schema") and path.parts[1] != "sandbox" and KEEPS.search(text)
    }
    rows = [line for line in (ROOT / "docs/architecture.md").read_text().splitlines() if line.count(" | ") == 3]
    places = {place for row in rows for place in re.findall(r"`([a-z_/]+\.py)`", row.split(" | ")[1])}
    listed = {place if (ROOT / place).exists() else f"gateway/{place}" for place in places}
    assert len(keeping) > 10
    assert keeping - {"gateway/cache/entity_cache.py"} <= listed
    assert all((ROOT / place).exists() for place in listed)
