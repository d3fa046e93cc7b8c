"""Names are the field's terms, and each stands for one thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.meta.tree import files, texts, trees

# Words that name no class and no module here, with what is said instead.
OUT = {
    "again": "exact match cache",
    "asked": "request",
    "bells": "signals",
    "buyer": "fetcher",
    "courier": "client",
    "door": "HTTP, endpoint",
    "facet": "fact",
    "facets": "facts",
    "glance": "resolver info",
    "hasty": "synchronous access",
    "house": "harness",
    "keeper": "supervisor",
    "kept": "cached",
    "kit": "harness",
    "landed": "outcome",
    "lasting": "shared",
    "lesson": "recorder",
    "lucky": "best case",
    "market": "upstream services",
    "nursery": "fork server",
    "purse": "operation budget",
    "recollection": "operation view",
    "rides": "embedded",
    "riding": "embedded",
    "said": "cached response",
    "scribe": "write-behind buffer",
    "seal": "cipher",
    "shelf": "directory, cache",
    "telling": "presenter",
    "told": "reported",
    "verdict": "interpreted response",
    "wares": "data transfer objects",
    "weather": "fault profiles",
}
# Names of functions, parameters and variables of the product, with what is said instead.
NAMES_OUT = {
    "bells": "signals",
    "glance": "resolver_info",
    "grim": "worst_case",
    "hurry": "wake",
    "is_hasty": "supports_sync_access",
    "is_prompt": "is_sync",
    "lucky": "best_case",
    "prompt": "sync",
    "refuse_odd": "check_plain",
    "ring": "send",
    "surprise": "deoptimize",
    "worthwhile": "threshold",
}
# A word of OUT that is an ordinary one in the names of functions and variables: to run again.
ORDINARY = {"again"}
# Words that the documents do not use, with what is said instead.
PHRASES_OUT = {
    "alike": "likewise",
    "anew": "again",
    "are told": "get, know",
    "by way of": "through",
    "imagined": "simulated",
    "is told": "gets, knows",
    "lest": "so that not",
    "rides": "is embedded",
    "whoever": "a client that",
}
OPENINGS = ("What ", "Whose ", "Whether it is ", "Who ", "Whoever ", "How much ", "How many ")
# Of one thing as the domain has it and as the graph shows it, and of an error and its event.
PAIRS = {
    "Account",
    "AccountHistory",
    "Allowance",
    "AnswerTooLarge",
    "Comment",
    "Cover",
    "CoverImage",
    "EmbeddedMedia",
    "Hashtag",
    "HashtagSticker",
    "Highlight",
    "Media",
    "MediaChild",
    "UserTag",
    "Item",
    "Flow",
    "Location",
    "LocationSticker",
    "Sticker",
    "StickerLink",
}
# One thing in two packages: a command and its subject, a port and what is behind it.
SHARED_NAMES = {
    "account_history.py",
    "bodies.py",
    "client.py",
    "context.py",
    "decoding.py",
    "documents.py",
    "endpoints.py",
    "errors.py",
    "formats.py",
    "hosts.py",
    "inputs.py",
    "keys.py",
    "leases.py",
    "ledger.py",
    "media.py",
    "multipart.py",
    "partial.py",
    "port.py",
    "price.py",
    "publishing.py",
    "response_cache.py",
    "rules.py",
    "sharing.py",
    "store.py",
    "table.py",
    "validation.py",
}


def words_of(name: str) -> set[str]:
    """`EntityCache` and `entity_cache` are `entity` and `cache`."""
    spaced = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return set(spaced.replace("_", " ").split())


def is_product(path: Path) -> bool:
    """Not the sandbox, which names the things of the contract as the clients of it do."""
    return path.parts[:2] != ("gateway", "sandbox")


def classes() -> list[tuple[Path, str]]:
    return [
        (path, node.name)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and is_product(path)
    ]


def test_no_class_has_a_word_that_is_out() -> None:
    assert [f"{path}: {name}" for path, name in classes() if words_of(name) & OUT.keys()] == []


def test_no_module_has_a_word_that_is_out() -> None:
    named = [path for path in files() if path.suffix == ".py" and path.parts[0] in ("gateway", "schema", "tests")]
    assert [str(path) for path in named if words_of(path.stem.removeprefix("test_")) & OUT.keys()] == []


def test_no_two_classes_have_one_name() -> None:
    found = defaultdict(set)
    for path, name in classes():
        found[name].add(str(path))
    assert {name: paths for name, paths in found.items() if len(paths) > 1 and name not in PAIRS} == {}


def test_no_two_modules_have_one_name_but_those_that_are_listed() -> None:
    found = defaultdict(list)
    for path, _ in trees():
        if is_product(path) and path.stem != "__init__":
            found[path.name].append(str(path))
    assert {name for name, paths in found.items() if len(paths) > 1} == SHARED_NAMES


def names_in(tree: ast.AST) -> set[str]:
    """The names that the module defines, without underscores at their beginning."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.arg(arg=name):
                found.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                found.add(name)
            case _:
                pass
    return {name.lstrip("_").lower() for name in found}


def test_no_name_is_out() -> None:
    checked = [(path, names_in(tree)) for path, tree in trees()]
    assert [f"{path}: {name}" for path, names in checked for name in sorted(names & NAMES_OUT.keys())] == []


def test_no_part_of_a_name_is_out() -> None:
    found = [(path, name) for path, tree in trees() if is_product(path) for name in names_in(tree)]
    assert [f"{path}: {name}" for path, name in found if words_of(name) & OUT.keys() - ORDINARY] == []


def test_the_documents_have_no_phrase_that_is_out() -> None:
    documents = [
        (path, text) for path, text in texts(".md") if path.parts[0] in ("README.md", "CONTRIBUTING.md", "docs")
    ]
    assert len(documents) > 20
    assert [f"{path}: {phrase}" for path, text in documents for phrase in phrases_out(text)] == []


def phrases_out(text: str) -> list[str]:
    """The phrases of PHRASES_OUT in a document, outside of its code."""
    words = " ".join(re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL).lower().split())
    return [phrase for phrase in PHRASES_OUT if re.search(rf"\b{phrase}\b", words)]


def docstrings() -> list[tuple[Path, str]]:
    kinds = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef
    nodes = [(path, node) for path, tree in trees() for node in ast.walk(tree) if isinstance(node, kinds)]
    return [(path, text) for path, node in nodes if (text := ast.get_docstring(node))]


def test_no_docstring_begins_as_a_question() -> None:
    assert [f"{path}: {text[:60]}" for path, text in docstrings() if text.startswith(OPENINGS)] == []


def test_the_rules_themselves_refuse() -> None:
    assert words_of("OperationPurse") & OUT.keys() == {"purse"}
    assert names_in(ast.parse("def _glance(known): self.hurry = GRIM = known")) & NAMES_OUT.keys() == {
        *("glance", "grim", "hurry")
    }
    assert words_of("_is_at_the_door") & OUT.keys() - ORDINARY == {"door"}
    assert phrases_out("Whoever asks\nis\ntold `anew`.") == ["is told", "whoever"]
    assert "What it costs.".startswith(OPENINGS)
    assert words_of("entity_cache") == {"entity", "cache"}
