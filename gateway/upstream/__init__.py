"""Upstream APIs: `client` (HTTP), `hikerapi` (reads), `platforms` (publishing), `egress` (URLs of others)."""
