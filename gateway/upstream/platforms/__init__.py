"""Publishing upstreams: one port, and one client per dialect."""
