"""The log: events and the lines of libraries, as text (logfmt) or JSON, without a wait for who reads them."""

from gateway.logs.event_lines import log

__all__ = ["log"]
