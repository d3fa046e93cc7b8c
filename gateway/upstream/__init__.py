"""Upstream APIs: `client` (HTTP), `hikerapi` (reads), `platforms` (publishing), `egress` (external URLs)."""
