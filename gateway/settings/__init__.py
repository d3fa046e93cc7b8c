"""The settings of the gateway: the table, the syntax and the sources of the values, and reading them."""

from gateway.settings.forms import SQLITE
from gateway.settings.rows import Setting
from gateway.settings.sources import SettingSource
from gateway.settings.table import Settings, SettingsError

__all__ = ["SQLITE", "Setting", "SettingSource", "Settings", "SettingsError"]
