"""The proxy's settings, and how they are read from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

_PREFIX = "CUTOVER_"
#: In seconds; sockets can't be told much more.
_LONGEST = 1_000_000_000
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


class SettingsError(ValueError):
    """A setting has a value that can't be used; the text is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class ProxySettings:
    """How to forward. Times are in seconds. Each setting is read from ``CUTOVER_`` and its name in capitals.

    ``connect_timeout``, ``write_timeout``, ``read_timeout``: longest waits for the upstream: to connect, to take
    bytes, between two bytes of its answer.
    ``client_timeout``: longest wait for the client to send or take bytes.
    ``stream_timeout``: longest silence on an event stream or a WebSocket.
    ``pool_size``: how many idle connections to the upstream a process keeps. The number in use is bounded by the
    server's threads, each of which uses one.
    ``pool_idle_timeout``: how long an idle connection is kept.
    ``breaker_failures``: after how many failures in a row to connect the upstream is left alone (0: never), for
    ``breaker_seconds``; then one request tries.
    ``trusted_hops``: how many proxies in front of this one may be believed about the client's address.
    ``preserve_host``: whether the upstream sees the ``Host`` that the client sent, or its own.
    ``expose_owner``: whether answers say in ``X-Cutover-Owner`` which side gave them.
    """

    connect_timeout: float = 5.0
    write_timeout: float = 30.0
    read_timeout: float = 120.0
    client_timeout: float = 60.0
    stream_timeout: float = 3600.0
    pool_size: int = 32
    pool_idle_timeout: float = 30.0
    breaker_failures: int = 10
    breaker_seconds: float = 2.0
    trusted_hops: int = 0
    preserve_host: bool = True
    expose_owner: bool = False

    def __post_init__(self) -> None:
        timeouts = [f"{name}_timeout" for name in ("connect", "write", "read", "client", "stream", "pool_idle")]
        for name in (*timeouts, "breaker_seconds"):
            seconds = getattr(self, name)
            if not 0 < seconds <= _LONGEST:
                raise SettingsError(f"{_variable(name)} must be a number of seconds above 0, at most {_LONGEST}.")
        for name in ("pool_size", "breaker_failures", "trusted_hops"):
            if getattr(self, name) < 0:
                raise SettingsError(f"{_variable(name)} must be a whole number, 0 or more.")

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> ProxySettings:
        """Read the settings that ``environ`` gives; empty counts as absent. Raises :class:`SettingsError`."""
        given: dict[str, Any] = {}
        for setting in fields(cls):
            text = environ.get(_variable(setting.name), "").strip()
            if text:
                given[setting.name] = _PARSERS[str(setting.type)](_variable(setting.name), text)
        return cls(**given)


def _variable(name: str) -> str:
    return f"{_PREFIX}{name.upper()}"


def _float(variable: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"{variable} must be a number of seconds above 0, not {text!r}.") from None


def _int(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise SettingsError(f"{variable} must be a whole number, 0 or more, not {text!r}.") from None


def _bool(variable: str, text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise SettingsError(f"{variable} must be true or false, not {text!r}.") from None


_PARSERS = {"float": _float, "int": _int, "bool": _bool}
