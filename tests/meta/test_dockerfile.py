"""The Dockerfile, walked: no engine builds the image here, so what can be known without one is checked."""

from __future__ import annotations

import json
import re
import shlex

import pytest

from tests.meta.tree import ROOT, ignored

Step = tuple[str, str]


def steps() -> list[Step]:
    """(INSTRUCTION, arguments), continuation lines joined, comments left out."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        (word.upper(), rest.strip()) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def arguments(instruction: str) -> list[str]:
    return [rest for word, rest in steps() if word == instruction]


def final_stage() -> list[Step]:
    walked = steps()
    last = max(number for number, (word, _) in enumerate(walked) if word == "FROM")
    return walked[last:]


def commands() -> list[list[str]]:
    """The words of each command of each RUN."""
    chained = [command for run in arguments("RUN") for command in run.split("&&")]
    return [shlex.split(command) for command in chained]


def copied() -> list[str]:
    return [source for copy in arguments("COPY") if "--from" not in copy for source in copy.split()[:-1]]


def test_every_copied_file_is_in_the_repository() -> None:
    for source in copied():
        path = ROOT / source
        assert path.exists(), source
        assert not ignored(path.relative_to(ROOT), is_folder=path.is_dir()), source


def test_nothing_copied_is_kept_from_the_build_context() -> None:
    context = (ROOT / ".dockerignore").read_text().split()
    assert context[0] == "*", "everything is left out that is not named"
    assert sorted(line.removeprefix("!") for line in context if line.startswith("!")) == sorted(set(copied()))


def test_whatever_the_wheel_is_made_of_is_copied() -> None:
    assert {"gateway", "schema", "queries", "pyproject.toml", "README.md", "LICENSE"} <= set(copied())


def test_the_base_is_one_exact_release_in_every_stage() -> None:
    bases = {rest.split()[0] for rest in arguments("FROM")}
    assert len(bases) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-trixie", bases.pop())


def test_packages_come_from_the_locks_as_make_installs_them() -> None:
    makefile = (ROOT / "Makefile").read_text()
    flags = {"--require-hashes", "--no-deps", "--no-build-isolation"}
    installs = [words for words in commands() if words[0].endswith("pip")]
    assert len(installs) >= 3
    for words in installs:
        given = set(words) & flags
        assert given, words
        assert all(flag in makefile for flag in given)
        locks = [word for word in words if word.endswith(".lock")]
        assert bool(locks) == ("--require-hashes" in words)
        assert set(locks) <= set(copied())


def test_the_server_is_started_as_make_starts_it() -> None:
    (command,) = arguments("CMD")
    words = json.loads(command)
    assert words[:2] == ["highlights-gateway", "serve"]
    assert "highlights-gateway serve --host" in (ROOT / "Makefile").read_text()
    assert words[words.index("--port") + 1] in arguments("EXPOSE")


@pytest.mark.parametrize("instruction", ["CMD", "HEALTHCHECK"])
def test_commands_are_in_exec_form(instruction: str) -> None:
    """A shell would keep the signals to itself."""
    (rest,) = [rest for word, rest in final_stage() if word == instruction]
    assert isinstance(json.loads(rest[rest.index("[") :]), list)


def test_the_health_check_asks_the_port_that_is_served() -> None:
    (check,) = arguments("HEALTHCHECK")
    words = json.loads(check[check.index("[") :])
    compile(words[-1], "HEALTHCHECK", "exec")
    assert "/healthz" in words[-1]
    assert arguments("EXPOSE")[0] in words[-1]


def test_the_last_user_is_not_root() -> None:
    users = [rest for word, rest in final_stage() if word == "USER"]
    assert re.fullmatch(r"[1-9][0-9]{3,}:[1-9][0-9]{3,}", users[-1]), "a number, so that a cluster can check it"


def test_only_the_data_volume_is_written() -> None:
    """The root file system can be read-only."""
    assert [rest for word, rest in final_stage() if word == "VOLUME"] == ['["/data"]']
    environment = " ".join(rest for word, rest in final_stage() if word == "ENV")
    assert "GATEWAY_DATA_DIR=/data" in environment
    assert "PYTHONDONTWRITEBYTECODE=1" in environment


def test_no_secret_is_baked_in() -> None:
    assert not re.search(r"KEY|TOKEN|SECRET|PASSWORD", (ROOT / "Dockerfile").read_text())


def test_whoever_listens_on_every_address_has_a_clients_file_on_the_volume() -> None:
    """The gateway refuses to start otherwise."""
    (command,) = arguments("CMD")
    words = json.loads(command)
    assert words[words.index("--host") + 1] == "0.0.0.0"
    environment = " ".join(rest for word, rest in final_stage() if word == "ENV")
    assert re.search(r"\bGATEWAY_CLIENTS_FILE=/data/", environment)
