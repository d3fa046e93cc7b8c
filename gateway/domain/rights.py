"""The rights of clients."""

from __future__ import annotations

import enum


class Right(enum.Enum):
    """A permission of a client. Reading its own allowance needs none."""

    READ = "read"
    WRITE = "write"
    INTERACT = "interact"
    FORCE = "force"
    BALANCE = "balance"
    INTROSPECT = "introspect"
    OPERATE = "operate"
    CONNECT = "connect"
    ERASE = "erase"


# Rights to write for an account; each write needs one of them.
WRITING = frozenset({Right.WRITE, Right.INTERACT})
OPERATING = frozenset({Right.OPERATE})
CONNECTING = frozenset({Right.CONNECT})
ERASING = frozenset({Right.ERASE})
RIGHTS = "rights"
"""The key of a root field's metadata: the rights of which the client needs one. A query without it needs `read`."""
