"""How much callers may ask for: requests in a time, by address, and bytes in one request. Both are off or ample."""

import math
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, request
from flask_limiter import Limiter, RateLimitExceeded
from limits import parse_many
from limits.errors import ConfigurationError

from backend.core import operations
from backend.core.caller_address import network_of
from backend.core.errors import RequestRefusedError
from backend.core.settings import Settings, SettingsError

View = Callable[..., Any]

#: For a storage elsewhere, in seconds.
PATIENCE: dict[str, str | int] = {"socket_timeout": 1, "socket_connect_timeout": 1}


class TooManyRequestsError(RequestRefusedError):
    """The caller has asked for more than its share."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, "Too many requests", headers={"Retry-After": str(seconds)})


def install_rate_limit(app: Flask) -> None:
    """Let each address make as many requests as `RATE_LIMIT` says, such as `100/minute` or `10/second;1000/hour`.

    The counters are this process's own, or all processes' in the Redis that RATE_LIMIT_STORAGE_URL names; while that
    can't be reached, each process counts for itself. Without a limit nothing is counted. Requests for operators' paths
    and for none at all don't count. Raises SettingsError.
    """
    settings: Settings = app.extensions["settings"]
    limits = settings.read("RATE_LIMIT", _limits, "")
    if not limits:
        return
    url = settings.rate_limit_storage_url
    try:
        limiter = Limiter(
            _caller,
            app=app,
            application_limits=[limits],
            storage_uri=url,
            storage_options={} if url.startswith("memory:") else PATIENCE,
            in_memory_fallback=[limits],
            in_memory_fallback_enabled=True,
            swallow_errors=True,
            key_prefix=app.name,
        )
    except ConfigurationError as error:
        raise SettingsError(f"RATE_LIMIT_STORAGE_URL can't be used: {error}.") from error
    limiter.request_filter(_is_free)
    app.register_error_handler(RateLimitExceeded, lambda error: app.handle_user_exception(_refusal(error, limiter)))


def body_of_at_most(size: int) -> Callable[[View], View]:
    """Refuse requests to a view whose body is larger than `size` bytes (413), before it is read."""

    def decorate(view: View) -> View:
        @wraps(view)
        def limited(*arguments: Any, **path: Any) -> Any:
            request.max_content_length = size
            return view(*arguments, **path)

        return limited

    return decorate


def _is_free() -> bool:
    return request.routing_exception is not None or request.path in operations.PATHS


def _refusal(error: RateLimitExceeded, limiter: Limiter) -> TooManyRequestsError:
    """What the application answers in the shape of its domain."""
    limit, longest = limiter.current_limit, error.limit.limit.get_expiry()
    # The library's time is rounded up to the next second, which can be later than the limit lasts.
    seconds = math.ceil(limit.reset_at - time.time()) if limit is not None else longest
    return TooManyRequestsError(min(max(1, seconds), longest))


def _caller() -> str:
    return network_of(request.remote_addr or "")


def _limits(value: str) -> str:
    if value:
        try:
            parse_many(value)
        except ValueError:
            raise ValueError("limits such as 100/minute or 10/second;1000/hour, or nothing") from None
    return value
