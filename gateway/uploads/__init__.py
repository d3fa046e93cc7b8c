"""Uploaded files: formats, the platform's limits, normalization, and the spool directory."""
