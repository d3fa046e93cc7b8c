"""Publishing upstreams: one port, and a client for each dialect."""
