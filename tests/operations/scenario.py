"""A scenario: one operation, asked again and again while time passes, and what it must answer, call and cost each time.

One TOML file each in scenarios/. A step that says nothing expects what a warm cache makes of the step before: the same
data, no error, no call, a price of nothing.

Cursors of lists that the upstream pages are sealed by each gateway with a key of its own: data has SEALED in their
places, and `from_data` passes one of them on.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from gateway.sandbox.faults import AnyFault
from tests.fakes.gateway import Terms

HERE = Path(__file__).parent
QUERIES = HERE.parents[1] / "queries"
SCENARIOS = HERE / "scenarios"
SEALED = "(sealed)"


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path` are the response keys and list indices, joined by dots. `extensions` are those that are checked."""

    path: str
    code: str
    extensions: dict[str, Any] = {}


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In billed requests."""

    lower: int = 0
    expected: int = 0
    upper: int = 0


class Rename(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pk: int
    to: str


class Meanwhile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens before the step: seconds pass, the world or the upstream's health changes."""

    pass_: int = msgspec.field(name="pass", default=0)
    rename: Rename | None = None
    delete_highlight: int | None = None
    faults: list[AnyFault] | None = None


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`calls` are counted by endpoint, `billed` in billed requests. `data` is JSON; "" is the data of the step before.

    `from_data` are variables with a path, as of an error: their values are those of the latest data that has this path.
    `beyond_price` says why the charge need not lie within the price: what failed or was refused is not charged.
    """

    title: str
    meanwhile: Meanwhile = Meanwhile()
    variables: dict[str, Any] | None = None
    from_data: dict[str, str] = {}
    headers: dict[str, str] = {}
    client: str | None = None
    price: Price = Price()
    within_budget: bool = True
    calls: dict[str, int] = {}
    billed: int = 0
    saved_by_cache: int | None = None
    data: str = ""
    errors: list[Error] = []
    stale: list[str] = []
    beyond_price: str = ""


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`query` names a file of queries/; `document` stands for itself. `variables` hold where a step has none.

    `settings` are those that differ from the defaults.
    """

    rule: str
    step: list[Step]
    query: str | None = None
    document: str | None = None
    variables: dict[str, Any] = {}
    clients: dict[str, Terms] | None = None
    settings: dict[str, Any] = {}

    @property
    def text(self) -> str:
        if self.query is not None:
            return (QUERIES / f"{self.query}.graphql").read_text()
        assert self.document is not None, "a scenario has a query or a document"
        return self.document


def load(path: Path) -> Scenario:
    return msgspec.convert(tomllib.loads(path.read_text()), Scenario)


def value_at(path: str, data: Any) -> Any:
    """Return the value at a path of response keys and list indices; None if there is none."""
    for key in path.split("."):
        if isinstance(data, list) and key.isdecimal() and int(key) < len(data):
            data = data[int(key)]
        else:
            data = data.get(key) if isinstance(data, dict) else None
    return data


def with_cursors(expected: Any, data: Any) -> Any:
    """Return `expected` with the texts of `data` in the places that have SEALED."""
    match expected, data:
        case str(), str():
            return data if expected == SEALED else expected
        case dict(), dict():
            return {name: with_cursors(value, data.get(name)) for name, value in expected.items()}
        case list(), list() if len(expected) == len(data):
            return [with_cursors(*pair) for pair in zip(expected, data, strict=True)]
        case _:
            return expected
