"""Writes: validated input becomes a recorded command, which a durable workflow carries out exactly once."""
