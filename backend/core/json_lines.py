"""One JSON object a line, with the request it belongs to and without secrets."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from backend.core.hiding import hide_tokens, hide_values, shown_path
from backend.core.request_context import CurrentRequest, current_request, owner_of, route_of

OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
#: By convention the text of an exception, which may quote what was sent.
ERROR = "error"
ENCODER = json.JSONEncoder(default=str)


class JsonLines(logging.Formatter):
    """Level, logger, message, whatever came as `extra`, and the time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        told = {name: value for name, value in vars(record).items() if name not in OF_EVERY_RECORD}
        if ERROR in told:
            told[ERROR] = hide_values(str(told[ERROR]))
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": hide_tokens(_without_exceptions(record)),
        }
        line |= told
        if record.exc_info and record.exc_info[1] is not None:
            line["exc_info"] = _traceback(self.formatException(record.exc_info), record.exc_info[1])
        return ENCODER.encode(line)


class RequestFilter(logging.Filter):
    """Adds to each record what it is about: the request at hand, else the domain that its logger belongs to."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Never refuses."""
        request = current_request.get()
        if request is not None:
            for name, value in about(request).items():
                if not hasattr(record, name):
                    setattr(record, name, value)
        return True


def about(request: CurrentRequest) -> dict[str, Any]:
    """What every line about a request tells."""
    environ = request.environ
    route = route_of(environ)
    return {
        "request_id": request.request_id,
        "domain": request.domain,
        "method": environ["REQUEST_METHOD"],
        "route": route,
        "path": path_of(environ, route),
        "owner": owner_of(environ),
    }


def path_of(environ: dict[str, Any], route: str | None) -> str:
    """The path of a request that `route` matched, without its query and without secrets."""
    path: str = environ.get("PATH_INFO", "")
    if not path.isascii():
        path = path.encode("latin-1").decode(errors="replace")
    return shown_path(path, route)


def _without_exceptions(record: logging.LogRecord) -> str:
    """The message, in which exceptions tell no values."""
    arguments = record.args
    if isinstance(record.msg, BaseException):
        return hide_values(str(record.msg))
    if isinstance(arguments, tuple) and any(isinstance(argument, BaseException) for argument in arguments):
        shown = (hide_values(str(each)) if isinstance(each, BaseException) else each for each in arguments)
        return str(record.msg) % tuple(shown)
    return record.getMessage()


def _traceback(text: str, error: BaseException) -> str:
    """`text` with the exceptions' own words less what they quote; the lines of code stay as they are."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        error = waiting.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        words = str(error)
        if words:
            text = text.replace(f": {words}", f": {hide_values(words)}")
        waiting += [other for other in (error.__cause__, error.__context__) if other is not None]
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
    return text
