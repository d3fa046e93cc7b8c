"""A scenario: one operation, asked again and again while time passes, and what it must answer, call and cost each time.

One TOML file each in scenarios/. A step that says nothing expects what a warm cache makes of the step before: the same
data, no error, no call, a price of nothing.
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


class Error(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`path` are the response keys and list indices, joined by dots."""

    path: str
    code: str


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

    `beyond_price` says why the charge need not lie within the price: what failed or was refused is not charged.
    """

    title: str
    meanwhile: Meanwhile = Meanwhile()
    variables: dict[str, Any] | None = None
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
    """`query` names a file of queries/; `document` stands for itself. `variables` hold where a step has none."""

    rule: str
    step: list[Step]
    query: str | None = None
    document: str | None = None
    variables: dict[str, Any] = {}
    clients: dict[str, Terms] | None = None

    @property
    def text(self) -> str:
        if self.query is not None:
            return (QUERIES / f"{self.query}.graphql").read_text()
        assert self.document is not None, "a scenario has a query or a document"
        return self.document


def load(path: Path) -> Scenario:
    return msgspec.convert(tomllib.loads(path.read_text()), Scenario)
