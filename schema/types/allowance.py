"""The remaining allowance of a client."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Self

import strawberry

from gateway.billing.budget import OperationBudget, WindowFigures
from gateway.clients import Client, Right
from gateway.domain.window import Window

strawberry.enum(Window, name="AllowanceWindow", description="A calendar window in UTC.")


@strawberry.type(description="What a client may spend in one window, in billed requests.")
class AllowanceFigures:
    window: Window = strawberry.field(description="Which window.")
    limit: int = strawberry.field(description="What may be spent in it.")
    spent: int = strawberry.field(description="What is spent or set aside for calls on their way.")
    remaining: int = strawberry.field(description="What is left.")
    resets_at: datetime = strawberry.field(description="When the window ends.")

    @classmethod
    def of(cls, figures: WindowFigures) -> Self:
        return cls(
            window=figures.window,
            limit=figures.limit,
            spent=figures.spent,
            remaining=figures.remaining,
            resets_at=datetime.fromtimestamp(figures.resets_at, UTC),
        )


@strawberry.type(description="The upstream account behind the gateway.")
class Account:
    balance: int | None = strawberry.field(description="Billed requests left; null while it is not known.")
    floor: int = strawberry.field(description="Below this only what is cached is answered.")


@strawberry.type(description="What the asking client may still spend, in billed requests. Null: unlimited.")
class Allowance:
    client: str = strawberry.field(description="Who asks.")
    limit: int | None = strawberry.field(description="Of the window with the least left.")
    spent: int | None = strawberry.field(description="In the window with the least left.")
    remaining: int | None = strawberry.field(description="In the window with the least left.")
    resets_at: datetime | None = strawberry.field(description="When the window with the least left ends.")
    ceiling: int | None = strawberry.field(description="The most that one operation may cost.")
    windows: list[AllowanceFigures] = strawberry.field(description="All windows that apply.")
    account: Account | None = strawberry.field(description="Null without the right `balance`.")

    @classmethod
    def of(cls, client: Client, purse: OperationBudget) -> Self:
        tightest = purse.allowance.tightest()
        resets_at = None if tightest is None else datetime.fromtimestamp(tightest.resets_at, UTC)
        account = Account(balance=purse.account.balance, floor=purse.account.floor)
        return cls(
            client=client.name,
            limit=purse.allowance.limit,
            spent=purse.allowance.spent,
            remaining=purse.allowance.remaining(),
            resets_at=resets_at,
            ceiling=client.ceiling,
            windows=[AllowanceFigures.of(figures) for figures in purse.allowance.figures()],
            account=account if Right.BALANCE in client.rights else None,
        )
