"""The keys that all gateways on one database must have in common."""
