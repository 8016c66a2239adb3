"""Logs as JSON lines on stderr, each with the id of the request it belongs to."""

import json
import logging
import re
import time
import uuid
from collections.abc import Callable, Iterable
from contextlib import nullcontext, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

from flask import Flask

LOGGER = "backend"
HEADER = "X-Request-ID"
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
ENCODER = json.JSONEncoder(default=str)

_log = logging.getLogger(f"{LOGGER}.requests")
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


class JsonLines(logging.Formatter):
    """One JSON object a line: level, logger, message, whatever came as `extra`, and the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {"level": record.levelname, "logger": record.name, "message": record.getMessage()}
        line |= {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        line["timestamp"] = datetime.fromtimestamp(record.created, UTC).isoformat()
        return ENCODER.encode(line)


class JsonLinesHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr, as a handler does, and lines for which no record has been made."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.addFilter(_add_request_id)

    def write(self, line: str) -> None:
        """Write one line; a stream that takes no more loses it."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.stream.write(f"{line}{self.terminator}")
            self.stream.flush()


def install_logs(app: Flask, level: str) -> None:
    """Give every request an id (`X-Request-ID`, taken over when well formed) and log its end.

    Paths are logged, queries, headers and bodies are not: they may hold tokens.
    """
    app.wsgi_app = LoggedRequests(app.wsgi_app, _handler(level))  # type: ignore[method-assign]


class LoggedRequests:
    """WSGI middleware. It writes its lines without a record, which takes longer to make than to find a route."""

    def __init__(self, app: Callable[..., Iterable[bytes]], handler: JsonLinesHandler) -> None:
        self.app = app
        self.handler = handler

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        began = time.perf_counter()
        offered = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = offered if WELL_FORMED_ID.fullmatch(offered) else uuid.uuid4().hex

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            if _log.isEnabledFor(logging.INFO):
                self.handler.write(_line(environ, status, time.perf_counter() - began, request_id))
            return start_response(status, [*headers, (HEADER, request_id)], *exc_info)

        token = _request_id.set(request_id)
        try:
            return self.app(environ, start)
        finally:
            _request_id.reset(token)


def _handler(level: str) -> JsonLinesHandler:
    """The handler of this process, which all applications share."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    for handler in logger.handlers:
        if isinstance(handler, JsonLinesHandler):
            return handler
    handler = JsonLinesHandler()
    logger.addHandler(handler)
    logger.propagate = False
    return handler


def _add_request_id(record: logging.LogRecord) -> bool:
    request_id = _request_id.get()
    if request_id is not None:
        record.request_id = request_id
    return True


def _line(environ: dict[str, Any], status: str, seconds: float, request_id: str) -> str:
    return ENCODER.encode(
        {
            "level": "INFO",
            "logger": _log.name,
            "message": "request",
            "method": environ["REQUEST_METHOD"],
            "path": environ.get("PATH_INFO", "").encode("latin-1").decode(errors="replace"),
            "status": int(status[:3]),
            "duration_ms": round(seconds * 1000, 3),
            "request_id": request_id,
            "timestamp": datetime.now(UTC).isoformat(),
        }
    )
