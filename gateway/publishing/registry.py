"""The registry of writes: one row each."""

from __future__ import annotations

import enum
from typing import Any, Self

from gateway.publishing.commands import Command
from gateway.publishing.create_highlight import CREATE_HIGHLIGHT
from gateway.publishing.delete_highlight import DELETE_HIGHLIGHT
from gateway.publishing.set_like import SET_LIKE
from gateway.publishing.update_highlight import UPDATE_HIGHLIGHT
from gateway.publishing.write import Write


class FlowKind(enum.Enum):
    """The kinds of flows: every write, with its row."""

    CREATE_HIGHLIGHT = CREATE_HIGHLIGHT
    UPDATE_HIGHLIGHT = UPDATE_HIGHLIGHT
    DELETE_HIGHLIGHT = DELETE_HIGHLIGHT
    SET_LIKE = SET_LIKE

    @property
    def row(self) -> Write[Any, Any]:
        row: Write[Any, Any] = self.value
        return row

    @staticmethod
    def named(name: str) -> FlowKind | None:
        """Return the kind of this recorded name; None for one that only another version knows."""
        return _BY_NAME.get(name)

    @classmethod
    def of(cls, command: Command) -> Self:
        """Return the kind of a command."""
        return next(kind for kind in cls if kind.row.command is type(command))


_BY_NAME = {kind.row.name: kind for kind in FlowKind}
