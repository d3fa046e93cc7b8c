"""The command line of `highlights-gateway`: its arguments and exit codes.

0 success, 1 rejected because of the state found (a port in use, a stale schema), 2 invalid arguments, settings or
files, 3 the application did not start.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, TypeVar

from gateway.clients import Right
from gateway.clients.client import LEAST_WEIGHT, MOST_WEIGHT
from gateway.commands import deferred
from gateway.commands.base import KEY_VARIABLE, Command, CommandError, UsageError
from gateway.commands.data_arguments import add_accounts, add_audit, add_vault
from gateway.domain.window import Window
from gateway.durable.port import Status
from gateway.errors import InvalidInput, LedgerUnavailable, Unusable
from gateway.operations.formats import ManifestFormat
from gateway.settings import Settings
from gateway.version import version

T = TypeVar("T")
MOST_WORKERS = 64
SPANS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}  # seconds
DAY = SPANS["d"]
MOST_DAYS = 366
GATEWAY = "http://127.0.0.1:8000/graphql"
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    command: Command = arguments.command
    try:
        return command(arguments, os.environ)
    except (Unusable, UsageError, InvalidInput) as error:
        print(error, file=sys.stderr)
        return 2
    except (CommandError, LedgerUnavailable) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="highlights-gateway", description="A GraphQL gateway over the Instagram story-highlight APIs."
    )
    parser.add_argument("--version", action="version", version=version())
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_servers(commands)
    _add_keys(commands)
    _add_settings(commands)
    _add_ledger(commands)
    _add_backup(commands)
    _add_price(commands)
    _add_cache(commands)
    _add_flows(commands)
    add_vault(commands)
    _add_documents(commands)
    add_audit(commands)
    add_accounts(commands)
    schema = _add(commands, "schema", deferred.schema, "print the schema into its two committed files")
    only = schema.add_mutually_exclusive_group()
    only.add_argument("--check", action="store_true", help="write nothing; fail if a file is not as printed")
    only.add_argument(
        "--guarded",
        action="store_true",
        help="write nothing; print the subgraph with @authenticated and @requiresScopes, for routers that enforce them",
    )
    return parser


def _add_servers(commands: Commands) -> None:
    serve = _add(commands, "serve", deferred.serve, "start the gateway")
    serve.formatter_class = argparse.RawDescriptionHelpFormatter
    serve.epilog = _settings_help()
    _add_address(serve, port=8000)
    workers = _form(_workers, f"a number from 1 to {MOST_WORKERS}")
    serve.add_argument("--workers", type=workers, default=1, help="processes that serve it (default: %(default)s)")
    serve.add_argument("--tls-cert", type=Path, metavar="PATH", help="PEM chain: speak TLS 1.3; read again on SIGHUP")
    serve.add_argument("--tls-key", type=Path, metavar="PATH", help="its PEM key, closed to other users")
    sandbox = _add(commands, "sandbox", deferred.sandbox, "start the embedded upstream alone")
    _add_address(sandbox, port=8080)
    sandbox.add_argument(
        "--clock",
        choices=["system", "movable"],
        default="system",
        help="movable: POST /_control/clock moves it on, so that what expires need not be waited for",
    )


def _add_keys(commands: Commands) -> None:
    parser = commands.add_parser(
        "keys", help="look after clients and their keys", description="Look after clients and their keys."
    )
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _add_of_clients(own, "add", deferred.add_key, "make a key for a new client")
    _add_name(add, "name of the client, as the ledger shows it")
    rights = ",".join(right.value for right in Right)
    add.add_argument("--rights", type=_form(_rights, f"some of {rights}"), default={Right.READ}, help=f"of {rights}")
    add.add_argument("--ceiling", type=_form(_amount, "a whole number"), help="most billed requests per operation")
    windows = f"limits like minute=100,month=20000, per {', '.join(window.value for window in Window)}"
    add.add_argument("--allowance", type=_form(_allowance, windows), default={}, help=f"billed requests: {windows}")
    weight = _form(_weight, f"a number from {LEAST_WEIGHT} to {MOST_WEIGHT}")
    add.add_argument("--weight", type=weight, default=1.0, help="of its share of an upstream's rate (default: 1)")
    add.add_argument(
        "--account",
        action="append",
        dest="accounts",
        metavar="ID",
        help="id of an account to publish for, with the right write; again for each (default: all)",
    )
    _add_of_clients(own, "list", deferred.list_keys, "show clients and their keys; times are in UTC")
    rotate = _add_of_clients(own, "rotate", deferred.rotate_key, "make another key for a client, in place of its keys")
    _add_name(rotate)
    span = _form(_span, f"a number with s, m, h or d, {MOST_DAYS}d at most")
    rotate.add_argument(
        "--overlap",
        type=span,
        default=DAY,
        metavar="SPAN",
        help="how long its keys of now are good still, like 90m or 24h (default: 24h)",
    )
    _add_name(_add_of_clients(own, "disable", deferred.disable_client, "refuse all keys of a client"))
    _add_name(_add_of_clients(own, "enable", deferred.enable_client, "accept the keys of a client again"))
    rename = _add_of_clients(own, "rename", deferred.rename_client, "call a client otherwise; its id stays")
    _add_name(rename)
    rename.add_argument("new", metavar="NEW", help="its name from now on")
    remove = _add_of_clients(own, "remove", deferred.remove_key, "remove a client, or one of its keys")
    _add_name(remove)
    remove.add_argument("--key", metavar="FINGERPRINT", help="this key alone, as `keys list` shows it")


def _add_of_clients(commands: Commands, name: str, command: Command, help: str) -> argparse.ArgumentParser:
    parser = _add(commands, name, command, help)
    parser.add_argument("--file", type=Path, metavar="PATH", help="the clients file (default: GATEWAY_CLIENTS_FILE)")
    return parser


def _add_name(parser: argparse.ArgumentParser, help: str = "name of the client") -> None:
    parser.add_argument("name", metavar="NAME", help=help)


def _add_settings(commands: Commands) -> None:
    help = "show the settings that a gateway with this environment has, and the source of each; no secret is shown"
    parser = _add(commands, "settings", deferred.settings, help)
    parser.add_argument("--json", action="store_true", help="as JSON")
    help = "check settings, stores, permissions, disk, upstreams, key and balance, and say what to do; costs nothing"
    parser = _add(commands, "doctor", deferred.doctor, help)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--offline", action="store_true", help="ask nothing over the network")
    parser.add_argument("--strict", action="store_true", help="fail for warnings as well")


def _add_ledger(commands: Commands) -> None:
    parser = _add(commands, "ledger", deferred.ledger, "show who spent what, on which endpoint, in which day")
    day = _form(date.fromisoformat, "a date like 2026-03-31")
    parser.add_argument("--since", type=day, metavar="DATE", help="first day, in UTC")
    parser.add_argument("--until", type=day, metavar="DATE", help="last day, in UTC")
    parser.add_argument("--client", metavar="NAME", help="this client alone, by its name or its id")
    parser.add_argument("--csv", action="store_true", help="as CSV, without totals")
    help = "move the ledger of the data directory, or this file, to the PostgreSQL of GATEWAY_DATABASE_URL"
    parser.add_argument("--move", nargs="?", type=Path, const=Path(), metavar="FILE", help=help)


def _add_backup(commands: Commands) -> None:
    parser = _add(commands, "backup", deferred.backup, "copy ledger, flows and keys, also while the gateway runs")
    parser.add_argument("directory", type=Path, metavar="DIR", help="to make of them; nothing is overwritten")
    parser = _add(
        commands, "restore", deferred.restore, "put a copy that `backup` made in its place; no gateway may run"
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="the copy")
    parser.add_argument("--replace", action="store_true", help="move the data aside that is there; nothing is deleted")
    parser.add_argument("--keep-clients", action="store_true", help="leave the clients file as it is")


def _add_price(commands: Commands) -> None:
    parser = _add(commands, "price", deferred.price, "show what an operation would cost, without running it")
    parser.add_argument("file", type=Path, metavar="FILE", help="a GraphQL document")
    parser.add_argument("--variables", type=_form(_object, "a JSON object"), metavar="JSON", help="its variables")
    parser.add_argument("--operation", metavar="NAME", help="which of its operations, if there are several")
    parser.add_argument("--url", help="ask the gateway there, which knows what is cached (default: an empty cache)")
    _add_key(parser)


def _add_cache(commands: Commands) -> None:
    parser = commands.add_parser(
        "cache",
        help="look after the cache of a running gateway",
        description="Look after the cache of a running gateway, by a key with the right operate.",
    )
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_of_gateway(own, "stats", deferred.cache_stats, "show what the cache holds, and how often it answers")
    forget = _add_of_gateway(own, "forget", deferred.forget, "forget cached data, in every worker")
    target = forget.add_mutually_exclusive_group(required=True)
    target.add_argument("--user", metavar="ID_OR_NAME", help="a user, with all that is about the user or names it")
    target.add_argument("--highlight", metavar="ID", help="a highlight, and the lists that have it")
    target.add_argument("--media", metavar="ID", help="a post with its comments, and the lists that have it")
    target.add_argument("--all", action="store_true", help="everything")
    warm = _add_of_gateway(own, "warm", deferred.warm, "buy what the operations of a file need, before clients do")
    lines = "a GraphQL request on each line: query or documentId, variables, operationName"
    warm.add_argument("file", type=Path, metavar="FILE", help=lines)
    warm.add_argument("--dry-run", action="store_true", help="show what they would cost, with the right read")
    number = _form(_amount, "a whole number")
    warm.add_argument("--max-requests", type=number, metavar="N", help="billed requests to spend at most")
    warm.add_argument("--from", dest="first", type=number, default=1, metavar="LINE", help="begin at this line")


def _add_of_gateway(commands: Commands, name: str, command: Command, help: str) -> argparse.ArgumentParser:
    parser = _add(commands, name, command, help)
    parser.add_argument("--url", default=GATEWAY, help="its address (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    _add_key(parser)
    return parser


def _add_key(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    key = f"ask at the terminal for the client's key there (default: that in {KEY_VARIABLE})"
    source.add_argument("--ask-key", action="store_true", help=key)
    source.add_argument("--key-file", type=Path, metavar="PATH", help="read the key from this file")
    parser.add_argument("--key", type=_refused_key, help=argparse.SUPPRESS)


def _add_flows(commands: Commands) -> None:
    parser = commands.add_parser("flows", help="look after flows", description="Look after flows. Times are in UTC.")
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    listed = _add(own, "list", deferred.list_flows, "show flows, newest first")
    listed.add_argument("--status", choices=[status.value for status in Status], help="these alone")
    listed.add_argument("--prefix", default="", metavar="TEXT", help="those whose id begins like this")
    listed.add_argument(
        "--limit", type=_form(_amount, "a whole number"), default=50, help="at most (default: %(default)s)"
    )
    for name, command, help in (
        ("show", deferred.show_flow, "show a flow with its steps"),
        ("retry", deferred.retry_flow, "run a failed or cancelled flow on, from the step that failed"),
        ("cancel", deferred.cancel_flow, "end a flow before its next step"),
    ):
        _add(own, name, command, help).add_argument("id", metavar="ID", help="of the flow")
    prune = _add(own, "prune", deferred.prune_flows, "forget flows that ended long ago")
    seconds = _form(_amount, "a whole number of seconds")
    prune.add_argument("--older-than", type=seconds, metavar="SECONDS", help="(default: GATEWAY_FLOW_RETENTION)")


def _add_documents(commands: Commands) -> None:
    parser = _add(commands, "documents", deferred.documents, "print a manifest of documents, for clients to name them")
    parser.add_argument("directory", type=Path, nargs="?", metavar="DIR", help="of the documents (default: our own)")
    parser.add_argument(
        "--format", choices=[form.value for form in ManifestFormat], default="apollo", help="whose tool reads it"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write it there")


def _add(commands: Commands, name: str, command: Command, help: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help, description=help[0].upper() + help[1:] + ".")
    parser.set_defaults(command=command)
    return parser


def _add_address(parser: argparse.ArgumentParser, *, port: int) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    number = _form(_port, "a number from 0 to 65535")
    parser.add_argument("--port", type=number, default=port, help="0 takes a free one (default: %(default)s)")


def _refused_key(text: str) -> NoReturn:
    """Reject `--key` without quoting it: every user who lists processes could read it."""
    raise argparse.ArgumentTypeError(
        f"is taken no more, since everybody on the machine can read arguments: set {KEY_VARIABLE}, or give --ask-key "
        "or --key-file"
    )


def _form(parse: Callable[[str], T], accepts: str) -> Callable[[str], T]:
    """Return `parse`, which raises ValueError, as an argparse type whose error names the accepted form."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be {accepts}") from error

    return read


def _amount(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError
    return int(text)


def _weight(text: str) -> float:
    weight = float(text)
    if "_" in text or not (text.isascii() and LEAST_WEIGHT <= weight <= MOST_WEIGHT):
        raise ValueError
    return weight


def _span(text: str) -> int:
    """Return the number of seconds."""
    if (seconds := _amount(text[:-1]) * SPANS.get(text[-1:], 0)) > MOST_DAYS * DAY or text[-1:] not in SPANS:
        raise ValueError
    return seconds


def _port(text: str) -> int:
    if (port := _amount(text)) >= 2**16:
        raise ValueError
    return port


def _workers(text: str) -> int:
    if not 1 <= (workers := _amount(text)) <= MOST_WORKERS:
        raise ValueError
    return workers


def _rights(text: str) -> set[Right]:
    return {Right(name) for name in text.split(",")}


def _allowance(text: str) -> dict[Window, int]:
    pairs = [part.partition("=") for part in text.split(",")]
    limits = {Window(window): _amount(limit) for window, _, limit in pairs}
    if len(limits) < len(pairs):
        raise ValueError
    return limits


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 (argparse reports it as a bad argument)
    return value


def _settings_help() -> str:
    rows = (f"  {row.name}\n      {row.help} Default: {row.default}." for row in Settings.table())
    return "settings, from the environment; a secret may be in the file that NAME_FILE names:\n" + "\n".join(rows)
