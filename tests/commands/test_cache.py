"""`cache`, against one running gateway: figures, forgetting, and filling it ahead."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.commands.base import KEY_VARIABLE
from tests.commands.process import address, ask, run, started

TRAY = "query Tray($name: String!) { user(by: { username: $name }) { highlights { nodes { title } } } }"
PROFILE = '{ user(by: { id: "787132" }) { biography } }'
NOBODY = '{ user(by: { username: "nobody.here" }) { biography } }'
LIMIT = 30  # billed requests an hour of the client `poor`


@dataclass(frozen=True, slots=True)
class Served:
    url: str
    keys: dict[str, str]
    folder: Path

    def cache(self, *arguments: str, client: str = "ops") -> subprocess.CompletedProcess[str]:
        return run("cache", *arguments, "--url", self.url, **{KEY_VARIABLE: self.keys[client]})

    def charged(self, document: str, **variables: str) -> str:
        return ask(self.url, document, self.keys["ops"], **variables).headers["x-billed-requests"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("cache")
    given = {"GATEWAY_CLIENTS_FILE": str(folder / "clients.toml"), "GATEWAY_DATA_DIR": str(folder)}
    terms = {"ops": ("read,operate",), "poor": ("operate", "--allowance", f"hour={LIMIT}"), "web": ("read",)}
    keys = {name: run("keys", "add", name, "--rights", *of, **given).stdout.strip() for name, of in terms.items()}
    with started("serve", **given) as (announcement, _):
        yield Served(address(announcement), keys, folder)


def lines(folder: Path, *operations: Mapping[str, object]) -> str:
    path = folder / "operations.jsonl"
    path.write_text("".join(f"{json.dumps(each)}\n" for each in operations))
    return str(path)


def test_operations_are_bought_once_and_what_they_cost_is_told_before(served: Served, tmp_path: Path) -> None:
    named = {"query": TRAY, "variables": {"name": "natgeo"}}
    file = lines(tmp_path, named, {"query": PROFILE}, {"documentId": "0" * 64})
    priced = served.cache("warm", file, "--dry-run")
    assert (priced.returncode, priced.stderr) == (1, "")
    assert priced.stdout.splitlines()[:5] == [
        "line   operation".ljust(71) + "  at least  expected  at most  saved  errors",
        f"1      {'Tray':64}         3         3        3      0       0",
        f"2      {'':64}         1         1        1      0       0",
        f"3      {'0' * 64}                                           1",
        f"total  {'':64}         4         4        4      0       1",
    ]
    assert priced.stdout.splitlines()[5].startswith("line 3: document is invalid")
    assert json.loads(served.cache("stats", "--json").stdout)["cache"]["facts"] == []
    bought = served.cache("warm", lines(tmp_path, named, {"query": PROFILE}))
    assert (bought.returncode, bought.stderr) == (0, "")
    assert bought.stdout == (
        "line   operation  charged  calls  errors\n"
        "1      Tray             3      1       0\n"
        "2                       1      1       0\n"
        "total                   4      2       0\n"
    )
    assert (served.charged(TRAY, name="natgeo"), served.charged(PROFILE)) == ("0", "0")
    again = json.loads(served.cache("warm", str(tmp_path / "operations.jsonl"), "--from", "2", "--json").stdout)
    assert [(row["line"], row["charged"], row["errors"]) for row in again] == [(2, 0, [])]


def test_the_figures_are_shown(served: Served) -> None:
    served.charged(TRAY, name="thirty.highlights")
    shown = served.cache("stats")
    assert (shown.returncode, shown.stderr) == (0, "")
    table = [line.split() for line in shown.stdout.splitlines()]
    assert table[0][2:] == ["1", "worker."]
    assert ["fact", "entries", "hits", "misses", "stale", "ratio"] in table
    assert ["responses", "replays", "hits", "misses", "ratio"] in table
    assert ["memory", "used", "limit"] in table
    found = json.loads(served.cache("stats", "--json").stdout)
    tray = next(each for each in found["cache"]["facts"] if each["kind"] == "tray")
    assert ["tray", *(str(tray[name]) for name in ("entries", "hits", "misses", "stale"))] in [row[:5] for row in table]


@pytest.mark.parametrize(
    ("target", "document", "variables"),
    [
        (["--user", "natgeo"], TRAY, {"name": "natgeo"}),
        (["--user", "787132"], PROFILE, {}),
        (["--highlight", "18085475671830440"], '{ highlight(by: { id: "18085475671830440" }) { title } }', {}),
        (["--media", "3852994846373453376"], '{ media(by: { id: "3852994846373453376" }) { caption } }', {}),
        (["--all"], PROFILE, {}),
    ],
)
def test_what_is_forgotten_is_bought_again(
    target: list[str], document: str, variables: dict[str, str], served: Served
) -> None:
    served.charged(document, **variables)
    assert served.charged(document, **variables) == "0"
    forgotten = served.cache("forget", *target)
    assert (forgotten.returncode, forgotten.stderr) == (0, "")
    assert forgotten.stdout.startswith("Forgot ")
    assert forgotten.stdout.rstrip().endswith("billed requests at most.")
    assert served.charged(document, **variables) != "0"
    found = json.loads(served.cache("forget", *target, "--json").stdout)
    assert found["entries"] >= 1
    assert [worker["hasAnswered"] for worker in found["workers"]] == [True]


def test_a_list_that_costs_too_much_ends_where_the_money_does_and_says_how_to_go_on(
    served: Served, tmp_path: Path
) -> None:
    served.cache("forget", "--all")
    operations = [{"query": TRAY, "variables": {"name": name}} for name in ("natgeo", "salwaaa_ki", "zero.items")]
    file = lines(tmp_path, *operations)
    limited = served.cache("warm", file, "--max-requests", "5")
    assert limited.returncode == 1
    assert "line 2: This costs 3 billed requests; 2 of the operation's 2 are left." in limited.stdout
    exact = served.cache("warm", file, "--max-requests", "3", "--from", "2")
    assert (exact.returncode, exact.stderr) == (
        1,
        "Stopped at line 3: 3 billed requests are spent. To go on from there, start it again with --from 3.\n",
    )
    cached = lines(tmp_path, *operations[1:], *operations)
    beyond = served.cache("warm", cached, "--max-requests", "0", "--json")
    assert [(row["line"], row["charged"], row["errors"]) for row in json.loads(beyond.stdout)] == [(1, 0, [])]
    assert beyond.stderr.startswith("Stopped at line 2: 0 billed requests are spent.")
    go_on = lines(
        tmp_path, operations[2], operations[1], operations[1], {"query": TRAY, "variables": {"name": "nobody.here"}}
    )
    result = served.cache("warm", go_on, "--max-requests", "3", "--json")
    assert [(row["line"], row["charged"]) for row in json.loads(result.stdout)] == [(1, 3), (2, 0), (3, 0)]
    assert (result.returncode, result.stderr[:47]) == (1, "Stopped at line 4: 3 billed requests are spent.")
    served.cache("forget", "--all")
    many = lines(tmp_path, *({"query": TRAY, "variables": {"name": f"somebody.{at}"}} for at in range(12)))
    spent = served.cache("warm", many, "--json", client="poor")
    assert spent.returncode == 1
    rows = json.loads(spent.stdout)
    assert sum(row["charged"] for row in rows) <= LIMIT
    assert rows[-1]["errors"][0]["code"] == "ALLOWANCE_EXCEEDED"
    assert spent.stderr.startswith(f"Stopped at line {len(rows)}: ")
    assert spent.stderr.endswith(f"start it again with --from {len(rows)}.\n")


def test_an_absence_is_an_answer_when_it_is_bought_and_when_it_is_cached(served: Served, tmp_path: Path) -> None:
    file = lines(tmp_path, {"query": NOBODY}, {"query": PROFILE})
    result = served.cache("warm", file)
    assert (result.returncode, result.stderr) == (0, "")
    table = [line.split() for line in result.stdout.splitlines()]
    assert (table[1], table[3][-1]) == (["1", "1", "1", "0"], "0")
    assert result.stdout.splitlines()[4].startswith("line 1: ")  # told, once, and no failure
    again = served.cache("warm", file, "--json")
    assert (again.returncode, [row["charged"] for row in json.loads(again.stdout)]) == (0, [0, 0])


def test_the_key_is_read_from_a_file(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(served.keys["ops"] + "\n")
    for mode, warned in ((0o600, False), (0o644, True)):
        file.chmod(mode)
        shown = run("cache", "stats", "--url", served.url, "--key-file", str(file))
        assert (shown.returncode, "Other users of the machine can read the key" in shown.stderr) == (0, warned)
        assert served.keys["ops"] not in shown.stderr
    (tmp_path / "empty").write_text("\n")
    for name in ("empty", "missing"):
        refused = run("cache", "stats", "--url", served.url, "--key-file", str(tmp_path / name))
        assert (refused.returncode, refused.stdout) == (2, "")
        assert str(tmp_path / name) in refused.stderr


def test_refusals_are_told_with_exit_codes_for_scripts(served: Served, tmp_path: Path) -> None:
    for arguments in (["stats"], ["forget", "--all"], ["warm", lines(tmp_path, {"query": PROFILE})]):
        refused = served.cache(*arguments, client="web")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr == "This client lacks the right `operate`.\n"
    unpriced = served.cache("warm", lines(tmp_path, {"query": PROFILE}), "--dry-run", client="poor")
    assert (unpriced.returncode, unpriced.stderr) == (1, "This client lacks the right `read`.\n")
    wrong = served.cache("forget", "--highlight", "natgeo")
    assert (wrong.returncode, wrong.stderr) == (2, "input.highlightId must be the highlight's numeric id.\n")
    keyless = run("cache", "stats", "--url", served.url)
    assert keyless.returncode == 1
    assert all(word in keyless.stderr for word in ("HIGHLIGHTS_GATEWAY_KEY", "--key-file", "--ask-key"))
    nowhere = run("cache", "stats", "--url", "http://127.0.0.1:9")
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr.startswith("No answer from a gateway at http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "Line 1 of"),
        ('{"query": "{ a }"}\n[]', "Line 2 of"),
        ('{"query": "{ a }", "documentId": "x"}', "either `query` or `documentId`"),
        ("{}", "either `query` or `documentId`"),
        ('{"query": "{ a }", "first": 1}', "unknown field `first`"),
        ("\n", "has no operation"),
    ],
)
def test_a_file_that_is_no_list_of_operations_is_refused_before_anything_is_asked(
    text: str, problem: str, tmp_path: Path
) -> None:
    (tmp_path / "list").write_text(text)
    result = run("cache", "warm", str(tmp_path / "list"), "--url", "http://127.0.0.1:9")
    assert (result.returncode, result.stdout) == (2, "")
    assert problem in result.stderr
