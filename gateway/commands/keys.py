"""`keys add`: makes a key for a client, and its entry in the clients file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping

from gateway.clients import Right, add_key
from gateway.commands.base import UsageError
from gateway.settings import Settings

NEXT = """\
The client {name} is in {path}. Its key is shown this once: only a digest is kept.
It goes with each request, as `Authorization: Bearer KEY` or `x-api-key: KEY`.
A gateway with GATEWAY_CLIENTS_FILE={path} knows it from its start on, or after `kill -HUP`.
"""


def add(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """The key alone goes to standard output, so that it can be piped to where it is kept.

    Raises ClientsFileError and UsageError.
    """
    path = arguments.file or Settings.read(environ).clients_file
    if path is None:
        raise UsageError("Name the clients file: by --file PATH, or by GATEWAY_CLIENTS_FILE.")
    if arguments.accounts and Right.WRITE not in arguments.rights:
        raise UsageError("--account names whom it may publish for: that needs `write` among its --rights.")
    key = add_key(
        path,
        arguments.name,
        allowance=arguments.allowance,
        ceiling=arguments.ceiling,
        rights=arguments.rights,
        accounts=arguments.accounts,
    )
    print(key)
    print(NEXT.format(name=arguments.name, path=path), end="", file=sys.stderr)
    return 0
