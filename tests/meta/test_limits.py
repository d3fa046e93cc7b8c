"""No part of the product grows without an end: its files, its functions, and what a module imports of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

from tests.meta.tree import ROOT, files, trees

MOST_LINES = 350
MOST_FUNCTION_LINES = 40
MOST_IMPORTS = 20


def modules_imported(tree: ast.Module) -> set[str]:
    """The modules of this project that a module imports, at its top or later."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in modules() else node.module for name in names}
    return {name for name in found if name.split(".")[0] in ("gateway", "schema")}


@cache
def modules() -> frozenset[str]:
    return frozenset(".".join(path.with_suffix("").parts).removesuffix(".__init__") for path, _ in trees())


def long_functions(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1
            if lines > MOST_FUNCTION_LINES:
                yield f"{node.name}: {lines}"


def test_no_file_is_too_long() -> None:
    product = [path for path in files() if path.suffix == ".py" and path.parts[0] in ("gateway", "schema")]
    lines = {str(path): (ROOT / path).read_text().count("\n") for path in product}
    assert {path: count for path, count in lines.items() if count > MOST_LINES} == {}


def test_no_function_is_too_long() -> None:
    assert [f"{path}: {function}" for path, tree in trees() for function in long_functions(tree)] == []


def test_no_module_imports_too_many_others() -> None:
    imported = {str(path): len(modules_imported(tree)) for path, tree in trees()}
    assert {path: count for path, count in imported.items() if count > MOST_IMPORTS} == {}


def test_the_limits_themselves_refuse() -> None:
    function = "def long():\n" + "    pass\n" * MOST_FUNCTION_LINES
    assert list(long_functions(ast.parse(function))) == [f"long: {MOST_FUNCTION_LINES + 1}"]
    imports = "import os, schema.build\nfrom gateway.clock import Clock, SystemClock\nfrom gateway.http import bodies"
    assert modules_imported(ast.parse(imports)) == {"schema.build", "gateway.clock", "gateway.http.bodies"}
