"""Publishing: validated input becomes a recorded command, which a durable workflow executes exactly once."""
