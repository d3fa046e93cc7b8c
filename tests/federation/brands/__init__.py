"""A second subgraph: brands, the accounts that speak for them, and the campaigns that highlights belong to."""
