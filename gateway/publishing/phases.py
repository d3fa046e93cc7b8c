"""The phases of workflows: the purpose of their steps, and what a step of each means for state and progress."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class FlowState(enum.Enum):
    RECEIVED = "RECEIVED"
    UPLOADING = "UPLOADING"
    PROCESSING = "PROCESSING"
    PUBLISHING = "PUBLISHING"
    APPLYING = "APPLYING"
    DONE = "DONE"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of a write.

    `word` is the first word of its steps' names: it is recorded and shown to clients, so it is never changed. `share`
    is its share of the write's progress, in percent. `is_effect`: its step performs the command. `follows`: its steps
    verify the effect. `is_marked`: a mark is recorded before its step, together with a check of rights. `each`: it has
    one step per medium, which creates `makes` upstream.
    """

    word: str
    state: FlowState
    share: int = 0
    is_effect: bool = False
    follows: bool = False
    is_marked: bool = False
    each: bool = False
    makes: str | None = None

    def step(self, number: int = 0, *, of: str = "") -> str:
        """Return the name of a step of this phase; `number` counts the earlier ones on the same object."""
        name = f"{self.word} {of}" if of else self.word
        return f"{name} again ({number})" if number else name


QUOTA = Phase("quota", FlowState.RECEIVED)
UPLOAD = Phase("upload", FlowState.UPLOADING, 40, each=True, makes="container")
PROCESS = Phase("process", FlowState.PROCESSING, 30, each=True)
PUBLISH = Phase("publish", FlowState.PUBLISHING, 20, each=True, makes="story")
PREPARE = Phase("prepare", FlowState.APPLYING)
# The phases of a write that publishes media first: 10 percent are left for its effect.
MEDIA = (QUOTA, UPLOAD, PROCESS, PUBLISH, PREPARE)
# The meaning of a step that another version recorded: it may have performed the command.
UNKNOWN = Phase("", FlowState.RECEIVED, is_effect=True, is_marked=True)


def word_of(step: str) -> str:
    """Return the word of the phase that a step of this name belongs to."""
    return step.partition(" ")[0]
