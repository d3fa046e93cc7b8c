"""The settings of the gateway: the table, the syntax of the values, and reading them."""

from gateway.settings.forms import SQLITE
from gateway.settings.table import ANNOUNCED, Setting, Settings, SettingsError

__all__ = ["ANNOUNCED", "SQLITE", "Setting", "Settings", "SettingsError"]
