"""Durable execution of steps: port, engine, supervisor, store and leases. DBOS is known to one adapter module."""
