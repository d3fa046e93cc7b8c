"""The callers of the gateway: who they are, what they may do, and what they may spend."""

from gateway.clients.client import Client, Key, Right
from gateway.clients.entries import ClientsFileError
from gateway.clients.table import Clients

__all__ = ["Client", "Clients", "ClientsFileError", "Key", "Right"]
