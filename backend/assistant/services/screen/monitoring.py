"""Capturing the screen again and again: one loop on the machine, however many processes the server has.

The loop is a thread of the process that was asked to start it, which holds the lock `monitor.lock` as long as it runs.
What is wanted is written down in `monitor.json`, for the loop to see wherever it runs, and for another process to go on
when the loop's own has ended; the server's id in it keeps a later server from going on by itself.
"""

import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from backend.assistant.services.file_locks import LockedError, alone, take
from backend.assistant.services.screen import captures
from backend.assistant.services.screen.refusals import ScreenUnavailableError
from backend.assistant.settings.screen import ScreenSettings
from backend.core.errors import RequestRefusedError

#: How soon the loop sees that something else is wanted, and how long others wait for it to end, in seconds.
LOOK_EVERY = 0.2
#: A capture may be under way.
PATIENCE = 15.0
BUSY = "Monitoring is being started or stopped by somebody else: try again."

_log = logging.getLogger("backend.assistant.screen")


@dataclass(frozen=True)
class Wanted:
    """Seconds between captures, and the server, by its process, that was asked for them."""

    interval: float
    server: int
    server_began: float


class Monitoring:
    """The loop of one data directory, as each process of the server sees it."""

    def __init__(self, settings: ScreenSettings) -> None:
        self._settings = settings
        self._process_ends = threading.Event()

    def start(self, interval: float, server: int) -> None:
        """Capture now and then every `interval` seconds; a loop that runs changes its interval.

        Raises ScreenUnavailableError where no first picture can be had.
        """
        directory = captures.directory_of(self._settings)
        captures.capture(self._settings)
        with _changing(directory):
            _write(directory, Wanted(interval, server, _began(server)))
            self._run_unless_running(directory)

    def stop(self) -> None:
        """Capture no more: when this returns, no loop runs."""
        directory = captures.directory_of(self._settings)
        with _changing(directory):
            _wanted_file(directory).unlink(missing_ok=True)
            try:
                os.close(take(_loop_lock(directory), PATIENCE))
            except LockedError:
                raise RequestRefusedError(503, "The capture that is under way does not end: try again.") from None

    def go_on(self, server: int) -> None:
        """Go on with what this server was asked for, where the process that did it has ended."""
        directory = self._settings.data.directory / "captures"
        wanted = _read(directory)
        if wanted is None or wanted.server != server or wanted.server_began != _began(server):
            return
        try:
            with alone(directory / "monitor.change", 0):
                if _read(directory) is not None:
                    self._run_unless_running(directory)
        except (LockedError, OSError):
            return  # somebody else sees to it

    def end(self) -> None:
        """This process ends; the loop that runs in it does too."""
        self._process_ends.set()

    def _run_unless_running(self, directory: Path) -> None:
        try:
            lock = take(_loop_lock(directory))
        except LockedError:
            return
        threading.Thread(target=self._run, args=(directory, lock), name="screen-monitoring", daemon=True).start()

    def _run(self, directory: Path, lock: int) -> None:
        """Until something else is wanted. The first capture was made when the loop was started."""
        last, trouble = time.monotonic(), ""
        try:
            while not self._process_ends.wait(LOOK_EVERY):
                wanted = _read(directory)
                if wanted is None:
                    return
                if time.monotonic() - last < wanted.interval:
                    continue
                last = time.monotonic()
                trouble = self._capture(trouble)
        finally:
            os.close(lock)

    def _capture(self, known: str) -> str:
        """Take a picture; the trouble with it, if any, which is logged when it is new: displays come and go."""
        try:
            captures.capture(self._settings)
        except ScreenUnavailableError as error:
            if error.text != known:
                _log.warning("monitoring goes on without a picture: %s", error.text)
            return error.text
        except OSError as error:
            _log.warning("monitoring goes on without a picture: %s", error.strerror)
        return ""


@contextmanager
def _changing(directory: Path) -> Iterator[None]:
    """The time in which nobody else starts or stops anything. Raises ScreenUnavailableError where files fail."""
    try:
        with alone(directory / "monitor.change", PATIENCE):
            yield
    except LockedError:
        raise RequestRefusedError(503, BUSY) from None
    except OSError as error:
        raise captures.unwritable(error) from error


def _loop_lock(directory: Path) -> Path:
    return directory / "monitor.lock"


def _wanted_file(directory: Path) -> Path:
    return directory / "monitor.json"


def _write(directory: Path, wanted: Wanted) -> None:
    new = directory / "monitor.json.new"
    new.write_text(json.dumps(asdict(wanted)))
    new.replace(_wanted_file(directory))


def _read(directory: Path) -> Wanted | None:
    try:
        return Wanted(**json.loads(_wanted_file(directory).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _began(process: int) -> float:
    """When the process began: ids are used again."""
    try:
        return psutil.Process(process).create_time()
    except psutil.Error:
        return 0.0
