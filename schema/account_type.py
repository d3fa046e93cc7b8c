"""The enum of account types."""

from __future__ import annotations

from gateway.domain.users import AccountType
from schema.enums import describe_enum

__all__ = ["AccountType"]

describe_enum(
    AccountType,
    name="AccountType",
    description="The type of an account.",
    values={
        AccountType.PERSONAL: "A personal account.",
        AccountType.BUSINESS: "A professional account of a business.",
        AccountType.CREATOR: "A professional account of a creator.",
    },
)
