"""Traces over OpenTelemetry: the port of `gateway.spans`, and the export of what it makes."""
