"""Logs as JSON lines on stderr, each with the id of the request it belongs to."""

import logging
import re
import time
import uuid
from typing import Any

from flask import Flask, Response, g, has_app_context, request
from pythonjsonlogger.json import JsonFormatter

LOGGER = "backend"
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
FIELDS = "{levelname}{name}{message}"


def install_logs(app: Flask, level: str) -> None:
    """Give every request an id (`X-Request-ID`, taken over when well formed) and log its end.

    Paths are logged, queries, headers and bodies are not: they may hold tokens.
    """
    _configure(level)
    app.before_request(_begin)
    app.after_request(_end)


def _configure(level: str) -> None:
    logger = logging.getLogger(LOGGER)
    logger.setLevel(level)
    if not any(isinstance(handler.formatter, JsonFormatter) for handler in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(
            JsonFormatter(FIELDS, style="{", timestamp=True, rename_fields={"levelname": "level", "name": "logger"})
        )
        handler.addFilter(_add_request_id)
        logger.addHandler(handler)
        logger.propagate = False


def _add_request_id(record: logging.LogRecord) -> bool:
    if has_app_context() and "request_id" in g:
        record.request_id = g.request_id
    return True


def _begin() -> None:
    offered = request.headers.get("X-Request-ID", "")
    g.request_id = offered if WELL_FORMED_ID.fullmatch(offered) else uuid.uuid4().hex
    g.request_began = time.perf_counter()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = g.request_id
    if _log.isEnabledFor(logging.INFO):
        _log.info("request", extra=_summary(response))
    return response


def _summary(response: Response) -> dict[str, Any]:
    milliseconds = round((time.perf_counter() - g.request_began) * 1000, 3)
    return {
        "method": request.method,
        "path": request.path,
        "status": response.status_code,
        "duration_ms": milliseconds,
    }


_log = logging.getLogger(f"{LOGGER}.requests")
