"""Caches of upstream answers: entries, their freshness, and the calls in flight."""
