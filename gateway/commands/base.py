"""Types shared by all commands: their signature and their errors."""

from __future__ import annotations

import argparse
from collections.abc import Callable, MutableMapping

# The environment variable of a client's key, for commands that query a gateway. It is no setting of the gateway, so it
# has no prefix.
KEY_VARIABLE = "HIGHLIGHTS_GATEWAY_KEY"

Command = Callable[[argparse.Namespace, MutableMapping[str, str]], int]


class CommandError(Exception):
    """A command cannot continue because of the state it found. The message is for the person at the terminal."""


class UsageError(CommandError):
    """A command cannot continue because of its arguments."""
