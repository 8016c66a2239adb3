"""Logs as JSON lines: on stderr, and in files where a directory is set."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TextIO

from flask import Flask

from backend.core.json_lines import JsonLines, RequestFilter
from backend.core.log_files import NO_DIRECTORY, DomainFileHandler, writable_directory
from backend.core.settings import Settings, SettingsError

LOGGER = "backend"
#: By domain, for this process.
_levels: dict[str, int] = {}


class JsonLinesHandler(logging.StreamHandler[TextIO]):
    """Writes to stderr, as a handler does, and lines for which no record has been made."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.addFilter(RequestFilter())

    def write(self, line: str) -> None:
        """Write one line; a stream that takes no more loses it."""
        with self.lock or nullcontext(), suppress(OSError, ValueError):
            self.stream.write(f"{line}{self.terminator}")
            self.stream.flush()


class RequestLog:
    """Where the lines about the requests of one domain go, which are written without a record: that takes longer to
    make than to find a route.
    """

    def __init__(self, domain: str, stream: JsonLinesHandler, files: Sequence[DomainFileHandler]) -> None:
        self.logger = logging.getLogger(f"{LOGGER}.{domain}.requests")
        self._stream = stream
        self._files = tuple(handler for handler in files if handler.level <= logging.INFO)

    def write(self, line: str) -> None:
        """Write a line of level INFO."""
        self._stream.write(line)
        for handler in self._files:
            handler.file.write(line)


def install_logs(app: Flask, domain: str) -> RequestLog:
    """Write what the system logs as JSON, into `LOG_DIR/<domain>.log` and `<domain>-error.log` too if that is set.

    Raises SettingsError if no file can be made there.
    """
    settings: Settings = app.extensions["settings"]
    logger = logging.getLogger(LOGGER)
    _set_level(logger, domain, settings.log_level)
    logger.propagate = False
    stream = _stream(logger)
    directory = settings.read("LOG_DIR", writable_directory, "")
    if directory is None or settings.read.is_rehearsing:
        return RequestLog(domain, stream, ())
    return RequestLog(domain, stream, _files(logger, domain, directory))


def log_like_backend(*names: str) -> None:
    """Let the loggers called `names` (the empty one is the root) log where the system does, in the same form."""
    handlers = logging.getLogger(LOGGER).handlers
    for name in names:
        logger = logging.getLogger(name)
        for handler in handlers:
            if handler not in logger.handlers:
                logger.addHandler(handler)
        logger.propagate = False


def join_server_log(logger: logging.Logger) -> None:
    """Let the server's own log tell the same as ours and hide the same, and what it tells be found in our files."""
    for handler in logger.handlers:
        handler.setFormatter(JsonLines())
        handler.addFilter(RequestFilter())
    for handler in logging.getLogger(LOGGER).handlers:
        if isinstance(handler, DomainFileHandler):
            logger.addHandler(handler)


def _set_level(logger: logging.Logger, domain: str, level: str) -> None:
    """Each domain has its own level; what they share is logged where one of them wants it."""
    _levels[domain] = logging.getLevelNamesMapping()[level]
    logger.getChild(domain).setLevel(level)
    logger.setLevel(min(_levels.values()))


def _stream(logger: logging.Logger) -> JsonLinesHandler:
    """The handler of this process, which all applications share."""
    for handler in logger.handlers:
        if isinstance(handler, JsonLinesHandler):
            return handler
    stream = JsonLinesHandler()
    logger.addHandler(stream)
    return stream


def _files(logger: logging.Logger, domain: str, directory: Path) -> list[DomainFileHandler]:
    """The handlers of the domain's two files: those of the last application of that domain, where there are more."""
    for handler in list(logger.handlers):
        if isinstance(handler, DomainFileHandler) and handler.domain == domain:
            logger.removeHandler(handler)
            handler.close()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        files = [
            DomainFileHandler(domain, directory / f"{domain}.log", logging.INFO),
            DomainFileHandler(domain, directory / f"{domain}-error.log", logging.ERROR),
        ]
    except OSError:
        raise SettingsError(f"LOG_DIR must be {NO_DIRECTORY}.") from None
    for handler in files:
        logger.addHandler(handler)
    return files
