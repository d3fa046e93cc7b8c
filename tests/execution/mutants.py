"""Mutants of `gateway.execution`: its source text with one change, loaded under another name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from gateway import execution

HOME = Path(execution.__file__).parent
MODULES = ("leaves", "compiler", "plans", "context")  # each imports only earlier ones
ALIAS = "mutated_execution"


def source(module: str) -> str:
    return (HOME / f"{module}.py").read_text()


@contextmanager
def loaded(sources: dict[str, str]) -> Iterator[ModuleType]:
    """The package made of `sources` instead of its own modules; it may be used until the context ends."""
    package = ModuleType(ALIAS)
    names = {ALIAS: package}
    sys.modules[ALIAS] = package
    try:
        for name in MODULES:
            module = ModuleType(f"{ALIAS}.{name}")
            names[module.__name__] = sys.modules[module.__name__] = module
            text = sources.get(name, source(name)).replace("gateway.execution", ALIAS)
            exec(compile(text, f"<{name}>", "exec"), module.__dict__)  # noqa: S102 - our own source, changed by our tests
            vars(package).update({key: value for key, value in vars(module).items() if not key.startswith("_")})
        yield package
    finally:
        for each in names:
            del sys.modules[each]
