"""Effects enter by ports: who may read the environment, the time, and the settings."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from gateway.reads.facts import Lifetime
from gateway.settings import Settings
from tests.meta.tree import ROOT, texts, trees

ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv"}
TIME = {
    "asyncio.sleep",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "date.today",
    "datetime.datetime.now",
    "time.monotonic",
    "time.sleep",
    "time.time",
    "time.time_ns",
}
OUTPUT = {"print"}


def names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every dotted name in `tree` and its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, ast.unparse(node)


@cache
def names_by_file() -> dict[str, tuple[tuple[int, str], ...]]:
    return {str(path): tuple(names(tree)) for path, tree in trees()}


def commands() -> list[str]:
    return [str(path) for path, _ in texts(".py") if path.parts[:2] == ("gateway", "commands")]


def uses(wanted: set[str], *, but: set[str]) -> list[str]:
    return [
        f"{path}:{line}: {name}"
        for path, found in names_by_file().items()
        if path not in but
        for line, name in found
        if name in wanted
    ]


def imported_bare(modules: set[str], *, but: set[str]) -> list[str]:
    """`from time import monotonic` would slip past a search for `time.monotonic`."""
    found = []
    for path, tree in trees():
        if str(path) not in but:
            for node in ast.walk(tree):
                if isinstance(node, ast.ImportFrom) and node.module in modules:
                    bad = [alias.name for alias in node.names if f"{node.module}.{alias.name}" in TIME | ENVIRONMENT]
                    found += [f"{path}:{node.lineno}: {name}" for name in bad]
    return found


def test_the_environment_is_read_in_one_place() -> None:
    assert uses(ENVIRONMENT, but={"gateway/cli.py"}) == []


def test_time_is_read_through_the_clock_port() -> None:
    assert uses(TIME, but={"gateway/clock.py"}) == []


def test_no_effect_is_imported_by_its_bare_name() -> None:
    assert imported_bare({"os", "time", "asyncio"}, but=set()) == []


def test_only_the_command_line_prints() -> None:
    assert uses(OUTPUT, but={"gateway/cli.py", *commands()}) == []


def test_nothing_is_read_when_a_module_is_imported() -> None:
    """Settings are read in a function: a test, a worker or a second gateway has its own."""
    body = ast.parse((ROOT / "gateway/cli.py").read_text()).body
    outside = [node for node in body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert not {name for node in outside for _, name in names(node)} & (ENVIRONMENT | {"Settings.read"})


def test_every_setting_is_read_by_something() -> None:
    """A setting that nothing reads is a promise that nobody keeps."""
    read = {
        name
        for file, _ in trees()
        if file.parts[:2] in (("gateway", "composition"), ("gateway", "commands"))
        for name in _fields_read(ROOT / file)
    }
    for node in ast.walk(ast.parse((ROOT / "gateway/settings/derived.py").read_text())):
        if isinstance(node, ast.FunctionDef) and node.name in read:
            read |= {name.removeprefix("self.") for _, name in names(node) if name.startswith("self.")}
    # The TTLs are read by the members of `Lifetime`.
    read |= {f"ttl_{lifetime.value}" for lifetime in Lifetime}
    assert {row.field for row in Settings.table()} - read == set()


def _fields_read(path: Path) -> set[str]:
    """Of `settings.field`, of `self.settings.field`, and of `Settings.read(...).field`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and re.fullmatch(r"(self\.)?settings|Settings\.read\(.*\)", ast.unparse(node.value))
    }
