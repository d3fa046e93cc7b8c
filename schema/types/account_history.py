"""The type of an account's history."""

from __future__ import annotations

import strawberry


@strawberry.type(description="What the platform tells about an account's history.")
class AccountHistory:
    country: str | None = strawberry.field(description="Country of the account, as named by the platform.")
    joined_on: str | None = strawberry.field(description="Month in which the account was created, as text.")
    former_usernames: list[str] | None = strawberry.field(description="User names that the account had before.")
