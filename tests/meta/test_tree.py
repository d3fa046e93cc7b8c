"""What holds for every file of the repository."""

from __future__ import annotations

import os
import re

import pytest

from tests.meta.tree import ROOT, texts

SOURCE = ("gateway", "schema", "tests", "bench")


def test_no_file_names_somebodys_machine() -> None:
    """A path of the machine it was written on works nowhere else."""
    home = re.compile(r"(?<![\w.)\]}~-])/(?:home|root|Users|work|private)/\w")
    assert [str(path) for path, text in texts() if home.search(text)] == []


def test_no_source_file_outgrows_its_room() -> None:
    long = [f"{path}: {text.count(chr(10))}" for path, text in texts(".py") if text.count("\n") > 400]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    """A task belongs to the list of issues; in the source it is a promise to nobody."""
    mark = re.compile(r"#.*\b(?:TO" r"DO|FIX" r"ME|XX" r"X)\b|NotImplemented" r"Error")
    left = [str(path) for path, text in texts(".py") if path.parts[0] in SOURCE and mark.search(text)]
    assert left == []


def test_every_module_postpones_its_annotations() -> None:
    missing = [
        str(path)
        for path, text in texts(".py")
        if path.parts[0] in SOURCE and path.name != "__init__.py" and "from __future__ import annotations" not in text
    ]
    assert missing == []


def test_ci_can_be_run() -> None:
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    commands = re.findall(r"^(?:CI=true )?((?:make|\.ci/fresh) .*?)(?= <)", script.read_text(), re.MULTILINE)
    assert [command.split(" PART")[0] for command in commands] == [
        "make install",
        "make check",
        "make scan",
        "make test-fast COVERAGE=1",
        "make test COVERAGE=1 SECOND_TRY=1",
        "make test-long",
        ".ci/fresh trixie",
        ".ci/fresh forky",
    ]


@pytest.mark.parametrize(
    "target", ["help", "install", "console", "serve", "stack", "test", "check", "scan", "lock", "schema", "bench"]
)
def test_make_help_lists_the_target(target: str) -> None:
    assert re.search(rf"^{target}:.*## \w", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_make_clean_removes_what_git_ignores_but_the_environment_and_the_data() -> None:
    (recipe,) = re.findall(r"^clean:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    removed = set(re.split(r"[\s']+", recipe))
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().split()}
    assert ignored - removed == {".venv", "data"}
