"""Prometheus metrics: the table of all families, and what records them: a hook of events, and samplers."""
