"""Caches of upstream answers: entries, their freshness, and the responses built from them."""
