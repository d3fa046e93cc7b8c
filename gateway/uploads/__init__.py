"""Files sent by clients: formats, the platform's limits, normalization, and the spool directory."""
