"""What is known already: entries, their freshness, and the calls in flight."""
