"""What the steps of flows do: the first word of a step's name, which is recorded and shown."""

from __future__ import annotations

import enum
from typing import Self


class Act(enum.Enum):
    """Recorded, so never renamed."""

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
        """That of the step of this name; None where another version recorded what this one does not know."""
        try:
            return cls(name.partition(" ")[0])
        except ValueError:
            return None

    def step(self, number: int = 0, *, of: str = "") -> str:
        """The name of such a step; `number` counts those before it on the same thing."""
        name = f"{self.value} {of}" if of else self.value
        return f"{name} again ({number})" if number else name
