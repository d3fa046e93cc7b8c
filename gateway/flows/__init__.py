"""Durable sequences of upstream steps behind one mutation."""
