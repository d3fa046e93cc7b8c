"""What an operation needs, what it costs, and buying it: one walk over the operation, used to price and to buy."""
