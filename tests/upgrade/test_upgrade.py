"""What the code of an earlier commit has recorded is carried on by this one, whatever was under way when it was killed.

How the fixtures are made anew is written in CONTRIBUTING.md.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway.billing.ledger_file import LedgerFile
from gateway.billing.postgres_access import report_of
from gateway.clients.usage import Uses
from gateway.publishing.presenter import command_of
from tests.chaos.commands import ACCOUNT
from tests.chaos.invariants import flaws, spooled
from tests.upgrade import asking
from tests.upgrade.fixtures import NAMES
from tests.upgrade.resumed import Resumed, resumed

# What a receipt tells of the past; its state may be told of in other words later.
LASTING = ("retryable", "skipped", "leftovers", "warnings", "error", "createdAt", "highlight", "steps")


@pytest.fixture(scope="module", params=NAMES)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resumed]:
    name = request.param
    server = request.getfixturevalue("postgres") if name.endswith("postgresql") else None
    with resumed(name, tmp_path_factory.mktemp(name), server) as found:
        yield found


def test_every_flow_that_was_under_way_is_done(made: Resumed) -> None:
    """By its steps as they were recorded: under another name, or in another order, they would fail it."""
    states = {flow.stop: made.receipts[flow.number] for flow in made.stopped}
    assert {stop: receipt for stop, receipt in states.items() if receipt["state"] != "DONE"} == {}


def test_nothing_is_lost_and_nothing_is_doubled(made: Resumed) -> None:
    orders = [order for number, order in made.orders.items() if _is_done(made, number)]
    tray = asking.tray(made.url, ACCOUNT, "reader")
    assert list(flaws(orders, made.made, tray, idempotent=made.manifest.dialect == "platform")) == []


def test_what_was_recorded_as_done_is_not_done_again(made: Resumed) -> None:
    """The steps that were done when the gateway was killed stand in the receipt as they did."""
    before = {flow.number: flow.receipt for flow in made.ended}
    assert before
    for number, receipt in before.items():
        now = made.receipts[number]
        assert {name: now[name] for name in LASTING} == {name: receipt[name] for name in LASTING}
        assert now["state"] == receipt["state"]


def test_what_had_failed_or_was_cancelled_can_be_retried_as_before(made: Resumed) -> None:
    retryable = {flow.number for flow in made.ended if flow.receipt["retryable"]}
    assert made.retried.keys() == retryable != set()
    assert {receipt["state"] for receipt in made.retried.values()} == {"DONE"}


def test_the_same_request_under_the_same_key_is_the_same_flow(made: Resumed) -> None:
    answers = {number: answer["data"]["done"]["flow"]["id"] for number, answer in made.repeated.items()}
    assert answers == {flow.number: flow.flow for flow in made.manifest.flows}


def test_another_request_under_a_known_key_is_refused(made: Resumed) -> None:
    flow = made.manifest.flows[0]
    order = made.orders[flow.number]
    answer = asking.ask(made.url, order.document, {"input": flow.input(order) | {"title": "Another"}}).json()
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["IDEMPOTENCY_KEY_REUSED"]


def test_what_was_ordered_reads_as_it_was_recorded(made: Resumed) -> None:
    """A part of an order that has another name now would be taken for one that was left out."""
    with contextlib.closing(made.store()) as store:
        records = store.page("", None, 1_000, None)
    assert len(records) == len(made.manifest.flows)
    for record in records:
        assert _holds(msgspec.to_builtins(command_of(record)), record.input), record.name


def test_no_file_is_kept_for_a_flow_that_is_done(made: Resumed) -> None:
    assert spooled(made.data) == []


def test_what_was_spent_counts(made: Resumed) -> None:
    """Also what a gateway had leased that was killed."""
    for client, account in made.manifest.accounts.items():
        assert account.billed > 0
        if account.was_killed:
            assert account.billed <= made.spent[client] <= account.limit
        else:
            assert made.spent[client] == account.billed


def test_each_call_that_was_billed_stands_in_the_ledger(made: Resumed) -> None:
    since = datetime.fromtimestamp(made.manifest.at, UTC).date()
    if made.settings.ledger_url is None:
        with contextlib.closing(LedgerFile(made.settings.database_path)) as ledger:
            rows = ledger.report(since, since, "spender")
    else:
        rows, _ = report_of(made.settings.ledger_url, since, since, "spender")
    assert sum(row.billed for row in rows) == made.manifest.accounts["spender"].billed
    assert sum(row.calls for row in rows) > 0


def test_an_allowance_that_was_used_up_is_used_up(made: Resumed) -> None:
    document = '{ user(by: { username: "photos.and.videos" }) { id highlights { nodes { title } } } }'
    answer = asking.ask(made.url, document, client="spender").json()
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"ALLOWANCE_EXCEEDED"}


def test_when_keys_were_last_used_is_known(made: Resumed) -> None:
    assert len(Uses(made.data).read()) >= 3


def _holds(read: Any, recorded: Any) -> bool:
    """Whether all that was recorded is read; there may be more by now."""
    match recorded:
        case dict():
            return all(name in read and _holds(read[name], value) for name, value in recorded.items())
        case list():
            return len(read) == len(recorded) and all(map(_holds, read, recorded))
        case _:
            return bool(read == recorded)


def _is_done(made: Resumed, number: int) -> bool:
    receipt: dict[str, object] = (made.receipts | made.retried)[number]
    return receipt["state"] == "DONE"
