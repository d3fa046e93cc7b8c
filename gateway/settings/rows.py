"""Rows of the table of settings, and the fields of a dataclass that are such rows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.settings.forms import Form
from gateway.settings.sources import SUFFIX

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """A row of the table. `default` is text for people."""

    name: str
    field: str
    default: str
    help: str
    form: Form[Any]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables that set it: a secret may be in a file."""
        return (self.name, self.name + SUFFIX) if self.form.is_secret else (self.name,)


def setting(form: Form[T], default: str, help: str) -> T:
    """Return a field with a default in the syntax of the setting."""
    return dataclasses.field(default=form.parse(default), metadata=_row(form, default, help))


def optional(form: Form[T], help: str, *, unset: str) -> T | None:
    """Return a field without a default; `unset` describes that case. Excluded from `repr`: it may be a secret."""
    return dataclasses.field(default=None, repr=False, metadata=_row(form, unset, help))


def _row(form: Form[Any], default: str, help: str) -> dict[str, Any]:
    return {"form": form, "default": default, "help": help}
