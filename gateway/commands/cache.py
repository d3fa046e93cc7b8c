"""The `cache` command: figures of the cache of a running gateway, forgetting, and filling it ahead."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gateway.commands.base import UsageError
from gateway.commands.gateway_client import GatewayClient, OperationError
from gateway.commands.table import aligned

NAME = re.compile(r"query\s+([_A-Za-z][_0-9A-Za-z]{0,40})")
# An operation may buy hundreds of calls.
WARM_SECONDS = 600.0
FORGET_SECONDS = 60.0
# Errors after which no other operation would fare better, and those of one document alone.
FINAL = frozenset({"ALLOWANCE_EXCEEDED", "INSUFFICIENT_FUNDS", "LEDGER_UNAVAILABLE", "UPSTREAM_UNAUTHORIZED"})
OF_ONE_DOCUMENT = frozenset({"DOCUMENT_NOT_TRUSTED", "OPERATION_TOO_COMPLEX"})
# Those that are answers, and cached like others: the operation is warm, and has no error when it is warmed again.
ANSWERS = frozenset({"NOT_FOUND", "PRIVATE_ACCOUNT", "RENAMED", "CURSOR_EXPIRED"})


class OperationLine(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A line of a file of operations: a GraphQL request, with a document or with the id or hash of a stored one."""

    query: str | None = None
    document_id: str | None = None
    variables: dict[str, Any] | None = None
    operation_name: str | None = None

    @property
    def name(self) -> str:
        """A name for people."""
        found = NAME.search(self.query or "")
        return self.operation_name or self.document_id or (found[1] if found else "")

    @property
    def named(self) -> dict[str, Any]:
        """The operation as the graph takes it."""
        return {
            "document": self.query if self.document_id is None else self.document_id,
            "variables": self.variables,
            "operationName": self.operation_name,
        }


# The columns of the tables: the fields of the graph, and their headings where these are others.
FACTS = ("entries", "hits", "misses", "stale")
RESPONSES = ("responses", "replays", "hits", "misses")
PRICES = {"lower": "at least", "expected": "expected", "upper": "at most", "savedByCache": "saved"}
CHARGES = {"charged": "charged", "calls": "calls"}
LINE = msgspec.json.Decoder(OperationLine)


def stats(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print the figures of the cache, as tables or as JSON."""
    found = GatewayClient.of(arguments, environ).data("cache_stats", {})["gateway"]
    print(json.dumps(found, indent=2) if arguments.json else _figures(found).rstrip())
    return _unanswered(found["workers"])


def forget(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Forget cached data, and print how much."""
    client = GatewayClient.of(arguments, environ)
    found = client.data("forget", {"input": _target(arguments)}, seconds=FORGET_SECONDS)["forgetCachedData"]
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        print(
            f"Forgot {found['entries']} entries and {found['responses']} responses, {_size(found['bytes'])}. "
            f"To buy them again costs {found['price']} billed requests at most."
        )
    return _unanswered(found["workers"])


def warm(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Buy what the operations of a file need, one after the other; with `dry_run` print their prices instead."""
    client, operations = GatewayClient.of(arguments, environ), _operations(arguments.file, arguments.first)
    buy, most, spent, stopped = _price if arguments.dry_run else _warm, arguments.max_requests, 0, ""
    rows: list[dict[str, Any]] = []
    for line, operation in operations:
        row = buy(client, operation, None if most is None else most - spent)
        if spent == most and any(error["code"] == "BUDGET_EXCEEDED" for error in row["errors"]):
            stopped = _stopped(line, f"{most} billed requests are spent.")  # operations that cost nothing went on
            break
        rows.append({"line": line, "name": operation.name, **row})
        spent += row.get("charged", 0)
        if final := next((error for error in row["errors"] if error["code"] in FINAL), None):
            stopped = _stopped(line, final["message"])
            break
    print(json.dumps(rows, indent=2) if arguments.json else _table(rows, is_priced=arguments.dry_run).rstrip())
    if stopped:
        print(stopped, file=sys.stderr)
    return 1 if stopped or any(_failures(row) for row in rows) else 0


def _failures(row: Mapping[str, Any]) -> int:
    """Return the number of an operation's errors, without those that are answers."""
    return sum(error["code"] not in ANSWERS for error in row["errors"])


def _stopped(line: int, reason: str) -> str:
    return f"Stopped at line {line}: {reason} To go on from there, start it again with --from {line}."


def _warm(client: GatewayClient, operation: OperationLine, left: int | None) -> dict[str, Any]:
    """Buy what an operation needs, with `left` billed requests at most."""
    variables = {"operations": [operation.named], "maxRequests": left}
    found: dict[str, Any] = client.data("warm", variables, seconds=WARM_SECONDS)["warmCache"]["operations"][0]
    return found


def _price(client: GatewayClient, operation: OperationLine, left: int | None) -> dict[str, Any]:
    """Return the price of an operation."""
    try:
        price = client.data("price", operation.named)["price"]
    except UsageError as error:
        return {"errors": [{"path": None, "code": "BAD_USER_INPUT", "message": str(error)}]}
    except OperationError as error:
        if error.code not in OF_ONE_DOCUMENT:
            raise
        return {"errors": [{"path": None, "code": error.code, "message": str(error)}]}
    return {**{name: price[name] for name in ("lower", "expected", "upper", "savedByCache")}, "errors": []}


def _operations(path: Path, first: int) -> list[tuple[int, OperationLine]]:
    """Return the operations of the file from line `first` on, with the numbers of their lines. Raise UsageError."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    found = []
    for number, line in enumerate(lines, 1):
        if number >= first and line.strip():
            try:
                operation = LINE.decode(line)
            except msgspec.DecodeError as error:
                raise UsageError(f"Line {number} of {path} is no operation: {error}.") from error
            if (operation.query is None) == (operation.document_id is None):
                raise UsageError(f"Line {number} of {path} must have either `query` or `documentId`.")
            found.append((number, operation))
    if not found:
        raise UsageError(f"{path} has no operation.")
    return found


def _target(arguments: argparse.Namespace) -> dict[str, Any]:
    if arguments.all:
        return {"all": True}
    if arguments.highlight is not None:
        return {"highlightId": arguments.highlight}
    if arguments.media is not None:
        return {"mediaId": arguments.media}
    user: str = arguments.user
    return {"userId": user} if user.isdecimal() else {"username": user}


def _unanswered(workers: Sequence[Mapping[str, Any]]) -> int:
    """Return the exit code, and name the workers that have not answered."""
    missing = [str(worker["processId"]) for worker in workers if not worker["hasAnswered"]]
    if missing:
        print(f"{len(missing)} of {len(workers)} workers have not answered: {', '.join(missing)}.", file=sys.stderr)
    return 1 if missing else 0


def _figures(found: Mapping[str, Any]) -> str:
    """Return tables of the facts, of the responses and of the memory."""
    cache, responses = found["cache"], found["cache"]["responses"]
    facts = [(each["kind"], *_texts(each, FACTS), _share(each)) for each in cache["facts"]]
    memory = [(each["name"], _size(each["used"]), _size(each["limit"])) for each in cache["memory"]]
    tables = [
        aligned([("fact", *FACTS, "ratio"), *facts, ("all", *[""] * len(FACTS), _share(cache))], numbers_from=1),
        aligned([(*RESPONSES, "ratio"), (*_texts(responses, RESPONSES), _share(responses))], numbers_from=0),
        aligned([("memory", "used", "limit"), *memory], numbers_from=1),
    ]
    count = len(found["workers"])
    return "\n".join([f"Version {found['version']}, {count} {'worker' if count == 1 else 'workers'}.\n", *tables])


def _table(rows: Sequence[Mapping[str, Any]], *, is_priced: bool) -> str:
    """Return a row for each operation, their sums, and a line for each error."""
    columns = PRICES if is_priced else CHARGES
    sums = {name: sum(row.get(name, 0) for row in rows) for name in columns}
    lines = [(str(row["line"]), row["name"], *_texts(row, columns), str(_failures(row))) for row in rows]
    total = ("total", "", *_texts(sums, columns), str(sum(map(_failures, rows))))
    table = aligned([("line", "operation", *columns.values(), "errors"), *lines, total], numbers_from=2)
    return table + "".join(f"line {row['line']}: {error['message']}\n" for row in rows for error in row["errors"])


def _texts(figures: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    return [str(figures.get(name, "")) for name in names]


def _share(counts: Mapping[str, Any]) -> str:
    return "" if counts["hitRatio"] is None else f"{counts['hitRatio']:.1%}"


def _size(bytes: int) -> str:
    return f"{bytes / 2**20:.1f} MiB" if bytes >= 2**20 else f"{bytes / 2**10:.1f} KiB"
