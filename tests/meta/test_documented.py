"""The documents name what there is, and nothing else."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

from gateway import errors
from gateway.http.negotiation import ResponseType
from gateway.http.status_codes import status
from gateway.operations.extensions import as_graphql_error
from gateway.settings import Settings
from tests.lanes import LANES
from tests.meta.tree import ROOT, texts


def kinds(base: type[errors.GatewayError] = errors.GatewayError) -> Iterator[type[errors.GatewayError]]:
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


def codes() -> set[str]:
    return {kind.code for kind in kinds() if "code" in vars(kind)}


def codes_in_use() -> set[str]:
    """Those of the tree, and those that GraphQL's own errors and masked bugs get."""
    rooms = ("gateway/http/", "gateway/operations/", "gateway/execution/", "schema/")
    trees = [ast.parse(text) for path, text in texts(".py") if str(path).startswith(rooms)]
    constants = [node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    shaped = {text for text in constants if isinstance(text, str) and re.fullmatch(r"[A-Z]{3,}(_[A-Z]+)+", text)}
    return codes() | shaped


def status_of(kind: type[errors.GatewayError]) -> int:
    """Of an answer with this error alone, to a client that reads GraphQL's own media type.

    What is missing, or was not to be had upstream, is known only after execution has begun.
    """
    executed = (
        issubclass(kind, errors.Missing | errors.UpstreamError | errors.PublishingError)
        and kind is not errors.InsufficientFunds
    )
    return status(ResponseType.GRAPHQL, [as_graphql_error(kind.__new__(kind))], executed=executed)


def rows(document: str) -> list[list[str]]:
    """The cells of each table row whose first cell is `CODE`."""
    lines = (ROOT / "docs" / document).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]


def test_every_error_code_is_documented_and_every_documented_one_exists() -> None:
    documented = [row[0].strip("`") for row in rows("errors.md")]
    assert len(documented) == len(set(documented))
    assert set(documented) == codes_in_use()


def test_every_error_is_documented_with_its_status() -> None:
    documented = {row[0].strip("`"): {int(status) for status in row[1].split(", ")} for row in rows("errors.md")}
    expected = {code: {status_of(kind) for kind in kinds() if getattr(kind, "code", None) == code} for code in codes()}
    assert {code: documented[code] for code in expected} == expected


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"^    [|` -]*(\w+) +([A-Z_]{4,}|)", errors.__doc__ or "", re.MULTILINE)
    written = {name: code for name, code in drawn if name[0].isupper()}
    assert written.keys() == {kind.__name__ for kind in kinds()}
    assert {code for code in written.values() if code} == codes()
    for kind in kinds():
        assert written[kind.__name__] == vars(kind).get("code", "")


def test_codes_are_given_in_one_place() -> None:
    """A code made elsewhere would be missing from the tree and from the document."""
    made = [
        str(path)
        for path, text in texts(".py")
        if path.parts[0] in ("gateway", "schema") and re.search(r"^    code = \"", text, re.MULTILINE)
    ]
    assert made == ["gateway/errors.py"]


def test_every_setting_is_documented_as_it_is() -> None:
    expected = [[f"`{row.name}`", row.default, row.form.accepts, row.help] for row in Settings.table()]
    table = "\n".join(f"| {' | '.join(row)} |" for row in expected)
    assert rows("settings.md") == expected, f"docs/settings.md should hold:\n{table}"


@pytest.mark.parametrize("document", sorted(str(path) for path, _ in texts(".md")))
def test_documents_name_only_settings_and_commands_that_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    known = {name for row in Settings.table() for name in row.names}
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    targets |= {f"test-{lane.name}" for lane in LANES}
    assert set(re.findall(r"\bGATEWAY_[A-Z_]*[A-Z]\b", text)) <= known
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", sorted(str(path) for path, _ in texts(".md")))
def test_links_inside_the_repository_lead_somewhere(document: str) -> None:
    folder = (ROOT / document).parent
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / document).read_text())
    assert [target for target in targets if not (folder / target).exists()] == []


def anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub and GitLab give the document's headings."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", sorted(str(path) for path, _ in texts(".md")))
def test_links_to_sections_lead_to_a_heading(document: str) -> None:
    path = ROOT / document
    links = re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", path.read_text())
    assert [
        (name, anchor) for name, anchor in links if anchor not in anchors((path.parent / name) if name else path)
    ] == []


def test_the_index_of_decisions_lists_each_page_with_its_title() -> None:
    pages = sorted(path for path in (ROOT / "docs/decisions").iterdir() if path.name != "README.md")
    titles = [page.read_text().partition("\n")[0] for page in pages]
    numbered = [re.fullmatch(r"# (\d{4})\. (.+)", title) for title in titles]
    lines = re.findall(
        r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \| \w.+\. \|$", (ROOT / "docs/decisions/README.md").read_text(), re.MULTILINE
    )
    assert lines == [(title[1], title[2], page.name) for page, title in zip(pages, numbered, strict=True) if title]
    assert [page.name[:5] for page in pages] == [f"{number:04}-" for number in range(1, len(lines) + 1)]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs/architecture.md"])
def test_files_the_documents_name_exist(document: str) -> None:
    text = (ROOT / document).read_text()
    named = re.findall(r"`((?:gateway|schema|queries|tests|docs|bench)/[\w./-]*)`", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_version_is_the_newest_of_the_changelog_or_on_the_way_to_the_next() -> None:
    released = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    versions = [Version(text) for text in released]
    assert versions == sorted(set(versions), reverse=True)
    version = Version(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"])
    assert version == versions[0] or (version.is_devrelease and version > versions[0])


def test_the_readme_gives_the_commands_to_run_and_to_test() -> None:
    commands = (ROOT / "README.md").read_text()
    assert "make serve" in commands
    assert "make test" in commands
