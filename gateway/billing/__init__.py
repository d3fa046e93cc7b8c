"""What upstream calls cost, who may spend how much, and what was spent: prices, budgets, ledger, bill."""
