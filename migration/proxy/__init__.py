"""The strangler proxy: asks the ledger who owns a request's route, then calls the native side or forwards to legacy."""

from migration.proxy.proxy import Proxy, Served
from migration.proxy.settings import ProxySettings, SettingsError

__all__ = ["Proxy", "ProxySettings", "Served", "SettingsError"]
