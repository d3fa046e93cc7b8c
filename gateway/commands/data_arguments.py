"""The arguments of the commands about what is stored: `accounts`, `audit` and `vault`."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from gateway.commands import deferred

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
ENTRIES = 100


def add_audit(commands: Commands) -> None:
    """Add the command and its own commands, as all functions here do."""
    help = "show or verify the trail of what was done to keys, accounts and data"
    parser = commands.add_parser("audit", help=help, description=f"{help.capitalize()}.")
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "show the last entries; subjects have pseudonyms, times are in UTC"
    show = own.add_parser("show", help=text, description=f"{text.capitalize()}.")
    show.set_defaults(command=deferred.show_audit)
    subject = show.add_mutually_exclusive_group()
    subject.add_argument("--account", metavar="ID", help="those about this account of the platform alone")
    subject.add_argument("--client", metavar="NAME", help="those about this client alone")
    show.add_argument("--limit", type=_count, default=ENTRIES, help="at most (default: %(default)s)")
    text = "check that no entry was changed, removed or cut off"
    verify = own.add_parser("verify", help=text, description=f"{text.capitalize()}.")
    verify.set_defaults(command=deferred.verify_audit)
    verify.add_argument("--noted", metavar="NUMBER:MAC", help="the trail must contain this entry, printed before")


def add_accounts(commands: Commands) -> None:
    help = "have all that is stored about a person erased"
    parser = commands.add_parser("accounts", help=help, description=f"{help.capitalize()}.")
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "request the erasure of a user: account, flows, files, webhooks, cached data, in every gateway"
    erase = own.add_parser("erase", help=text, description=f"{text.capitalize()}.")
    erase.set_defaults(command=deferred.erase_account)
    erase.add_argument("account", metavar="ACCOUNT", help="id of the user, connected or only read")
    erase.add_argument("--username", action="append", default=[], help="a name of the user; again for each")
    text = "show the latest requests, and how far they are; times are in UTC"
    show = own.add_parser("erasures", help=text, description=f"{text.capitalize()}.")
    show.set_defaults(command=deferred.show_erasures)
    show.add_argument("--limit", type=_count, default=ENTRIES, help="at most (default: %(default)s)")


def add_vault(commands: Commands) -> None:
    parser = commands.add_parser("vault", help="look after the key of accounts' tokens", description="Look after it.")
    own = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "encrypt the keys of all tokens with a new key, while gateways serve"
    rotate = own.add_parser("rotate", help=text, description=f"{text.capitalize()}.")
    rotate.set_defaults(command=deferred.rotate_vault)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError("must be a whole number from 1 on")
    return int(text)
