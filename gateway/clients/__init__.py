"""The clients of the gateway: identity, rights, limits and keys."""

from gateway.clients.client import Client, Key
from gateway.clients.entries import ClientsFileError
from gateway.clients.table import Clients
from gateway.domain.rights import Right

__all__ = ["Client", "Clients", "ClientsFileError", "Key", "Right"]
