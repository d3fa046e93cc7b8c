"""Prices of upstream calls, budgets, the ledger of what was spent, and the bill of an operation."""
