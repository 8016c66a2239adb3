"""A limit on guessing: who offers too many wrong tokens is told to wait. A right token always passes."""

import logging
import time
from zlib import crc32

from flask import Flask, current_app, request
from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter

from backend.core.caller_address import network_of
from backend.core.errors import RequestRefusedError
from backend.core.settings import Settings, SettingsError

EXTENSION = "wrong_tokens"
# Addresses share this many counters, so that no number of addresses fills the memory.
COUNTERS = 65536
# For a storage elsewhere, in seconds.
PATIENCE = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}

_log = logging.getLogger("backend.wrong_tokens")


class TooManyWrongTokensError(RequestRefusedError):
    """The caller has offered too many wrong tokens within a minute."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "Too many requests with a wrong token")
        self.headers = {"Retry-After": str(seconds)}


class WrongTokens:
    """Counts wrong tokens by address: at most `per_minute`, 0 for any number.

    The counters are this process's own, or all processes' in the Redis that `storage_url` names. When that can't be
    reached nobody is limited: guessing 190 bits takes longer than any outage.
    """

    def __init__(self, per_minute: int, storage_url: str) -> None:
        self.limit = RateLimitItemPerMinute(per_minute) if per_minute else None
        self.limiter = FixedWindowRateLimiter(storage_from_string(storage_url, wrap_exceptions=True, **PATIENCE))

    def count(self, address: str) -> None:
        """Count one more; raises TooManyWrongTokensError beyond the limit."""
        if self.limit is None:
            return
        counter = str(crc32(network_of(address).encode()) % COUNTERS)
        try:
            if self.limiter.hit(self.limit, counter):
                return
            ends = self.limiter.get_window_stats(self.limit, counter).reset_time
        except StorageError:
            _log.exception("wrong tokens are not counted")
            return
        raise TooManyWrongTokensError(max(1, round(ends - time.time())))


def install_wrong_tokens(app: Flask) -> None:
    """Give `app` its counters. Raises SettingsError when their storage can't be used."""
    settings: Settings = app.extensions["settings"]
    try:
        counters = WrongTokens(settings.auth_failures_per_minute, settings.rate_limit_storage_url)
    except ConfigurationError as error:
        raise SettingsError(f"RATE_LIMIT_STORAGE_URL can't be used: {error}.") from error
    app.extensions[EXTENSION] = counters


def count_wrong_token() -> None:
    """Count that the caller of this request offered a wrong token; raises TooManyWrongTokensError as `count` does."""
    counters: WrongTokens = current_app.extensions[EXTENSION]
    counters.count(request.remote_addr or "")
