"""Authorization of a workflow's effects: its client's rights are checked before each effect, as they may be revoked.

Reads need no right: so a workflow can always find out whether an effect that it started has happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gateway.domain.rights import Right
from gateway.errors import Forbidden

MayWrite: TypeAlias = Callable[[str, Right, str], bool]
"""(owner of the workflow, right, id of an account): whether the client has the right for the account now."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """The right of one workflow's client, for the workflow's account."""

    may_write: MayWrite
    owner: str
    right: Right
    account: str

    @property
    def is_given(self) -> bool:
        """True if the client has the right now."""
        return self.may_write(self.owner, self.right, self.account)

    def check(self) -> None:
        """Raise Forbidden if the client does not have the right now. To be called right before each effect."""
        if not self.is_given:
            raise Forbidden(
                f"This client may not publish for the account {self.account} any more: retry the flow when it may "
                "again.",
                right=self.right.value,
                account=self.account,
            )
