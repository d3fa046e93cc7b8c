"""The kinds of workflow steps: the first word of a step's name, which is recorded and shown to clients."""

from __future__ import annotations

import enum
from typing import Self


class Act(enum.Enum):
    """A kind of step. The values are recorded, so they are never renamed."""

    QUOTA = "quota"
    UPLOAD = "upload"
    PROCESS = "process"
    PUBLISH = "publish"
    PREPARE = "prepare"
    CREATE = "create"
    EDIT = "edit"
    DELETE = "delete"
    CONFIRM = "confirm"
    CHECK = "check"

    @classmethod
    def of(cls, name: str) -> Self | None:
        """Return the kind of the step of this name; None for a kind that only another version knows."""
        try:
            return cls(name.partition(" ")[0])
        except ValueError:
            return None

    def step(self, number: int = 0, *, of: str = "") -> str:
        """Return the name of a step of this kind; `number` counts the earlier ones on the same object."""
        name = f"{self.value} {of}" if of else self.value
        return f"{name} again ({number})" if number else name
