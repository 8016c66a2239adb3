"""gunicorn as it is meant to run `wsgi:application`: ``gunicorn --config deploy/gunicorn.conf.py wsgi:application``.

Everything can be set from the environment; what is set on the command line wins.

Nothing of the application is imported by the master: after a reload its workers would find the old code there.
"""

import fcntl
import gc
import glob
import json
import logging
import os
import shutil
import socket
import struct
import sys
import tempfile
import time
from datetime import UTC, datetime

from gunicorn.glogging import Logger


def whole_number(name: str, default: int, least: int) -> int:
    """The setting `name`; a wrong one ends the start with a sentence."""
    text = os.environ.get(name, str(default)).strip()
    if not text.isdecimal() or int(text) < least:
        sys.exit(f"gunicorn can't start: {name} must be a whole number, {least} or more, not {text!r}.")
    return int(text)


def one_of(name: str, default: str, *allowed: str) -> str:
    """The setting `name`, which is one of these words, in any case; a wrong one ends the start with a sentence."""
    text = os.environ.get(name, default).strip()
    if text.lower() not in allowed:
        sys.exit(f"gunicorn can't start: {name} must be one of {', '.join(allowed)}, not {text!r}.")
    return text.lower()


bind = os.environ.get("BIND", "127.0.0.1:8000")
# Threads, not processes, wait for the database and for the upstream.
worker_class = "gthread"
# WEB_CONCURRENCY is gunicorn's own, and read before this file: what is no number there ends in a traceback.
workers = whole_number("WEB_WORKERS" if "WEB_WORKERS" in os.environ else "WEB_CONCURRENCY", 2, 1)
threads = whole_number("WEB_THREADS", 16, 1)
# The proxy's own time-outs are shorter; this one is for a worker that hangs.
timeout = 150
# How long a client may be silent in the middle of a request or an answer, for an application that doesn't say it.
CLIENT_TIMEOUT = 60.0
# Longer than the idle time of the load balancers in front, so that they never send into a closing connection.
keepalive = 75
# A stop lets running requests finish, and hands the jobs to another worker.
graceful_timeout = whole_number("GRACEFUL_TIMEOUT", 30, 1)
# A fresh process now and then, not all at once.
max_requests = whole_number("MAX_REQUESTS", 50000, 0)
max_requests_jitter = max_requests // 10
# Workers prove that they live by touching a file: never on a disk that may be slow.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108, PTH112 (gunicorn's own advice)
# There is one per user, which each further server takes over; signals do, and a master without threads forks safely.
control_socket_disable = True
# The application logs every request as a JSON line already.
accesslog = None
loglevel = one_of("GUNICORN_LOG_LEVEL", "info", "debug", "info", "warning", "error", "critical")
# Who may say whom he forwards for is the application's decision: CUTOVER_TRUSTED_HOPS.
forwarded_allow_ips = ""


class JsonLines(logging.Formatter):
    """What the master says, in the form of the application's log."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "pid": record.process,
        }
        if record.exc_info:
            line["exc_info"] = self.formatException(record.exc_info)
        return json.dumps(line)


class JsonLogger(Logger):
    """gunicorn's logger, writing JSON."""

    def setup(self, cfg: object) -> None:
        """Called at the start and at each reload."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(JsonLines())

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """An error, with its trace; that a client is silent in the middle of something is none."""
        if isinstance(sys.exception(), BlockingIOError):
            self.info("A client was silent for too long.")
        else:
            super().exception(msg, *args, **kwargs)


logger_class = JsonLogger


# Figures: every worker keeps its own in files of one directory, which is made for each start. ------------------------

FIGURES = "PROMETHEUS_MULTIPROC_DIR"
PREFIX = "cutover-figures-"
#: Held by the master and its workers as long as one of them lives.
ALIVE = "alive"
#: As in backend/core/figures.py: held by whoever reads the figures, and alone while dead workers' are added up.
LOCK = "lock"


def _make_directory(base: str) -> None:
    """Make this start's directory before prometheus_client looks for it; a reload keeps what there is."""
    own = f"{PREFIX}{os.getpid()}-"
    if os.path.basename(os.environ.get(FIGURES, "")).startswith(own):  # noqa: PTH119
        return
    _remove_leftovers(base)
    made = tempfile.mkdtemp(prefix=f".{PREFIX}", dir=base)
    alive = os.open(f"{made}/{ALIVE}", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    # Only what is locked has the name by which leftovers are found.
    os.environ[FIGURES] = tempfile.mktemp(prefix=own, dir=base)  # noqa: S306 (its owner alone can make it)
    os.rename(made, os.environ[FIGURES])  # noqa: PTH104


def _remove_leftovers(base: str) -> None:
    """Remove the directories of masters that were killed."""
    for directory in glob.glob(f"{base}/{PREFIX}*"):  # noqa: PTH207
        try:
            alive = os.open(f"{directory}/{ALIVE}", os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue  # in use
        finally:
            os.close(alive)


def _add_up_the_dead(directory: str) -> None:
    """Forget the gauges of workers that are gone, and keep what they counted in files that all of them share."""
    from prometheus_client.mmap_dict import MmapedDict

    dead = [path for path in glob.glob(f"{directory}/*_*.db") if not _lives(path)]  # noqa: PTH207
    for path in dead:
        if os.path.basename(path).startswith("gauge_live"):  # noqa: PTH119
            os.remove(path)  # noqa: PTH107
    counted = [path for path in dead if not os.path.basename(path).startswith("gauge_")]  # noqa: PTH119
    lock = os.open(f"{directory}/{LOCK}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not counted or not _locked(lock):
            return  # whoever reads holds it for moments; the next worker's end is time enough
        for path in counted:
            kind = os.path.basename(path).partition("_")[0]  # noqa: PTH119
            if os.path.getsize(path):  # noqa: PTH202 (0 if it died while it made the file)
                total = MmapedDict(f"{directory}/{kind}_dead.db")
                for key, value, _timestamp, _position in MmapedDict.read_all_values_from_file(path):
                    total.write_value(key, total.read_value(key)[0] + value, 0.0)
                total.close()
            os.remove(path)  # noqa: PTH107
    finally:
        os.close(lock)


def _lives(path: str) -> bool:
    """Whether the process that wrote the file ``<kind>_<pid>.db`` is there; what is added up already counts as such."""
    owner = path[: -len(".db")].rpartition("_")[2]
    if not owner.isdecimal():
        return True
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _locked(lock: int) -> bool:
    deadline = time.monotonic() + 1.0
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        else:
            return True


_make_directory(worker_tmp_dir or tempfile.gettempdir())


def post_worker_init(worker: object) -> None:
    """Take part in running jobs, and show what is measured, from the start, not only from the first request on.

    Nor does any client hold a thread by being silent: connections get the limits of the socket that accepts them.
    """
    seconds = getattr(worker.wsgi, "client_timeout", CLIENT_TIMEOUT)  # type: ignore[attr-defined]
    limit = struct.pack("ll", int(seconds), int(seconds % 1 * 1_000_000) or 1)
    for listener in worker.sockets:  # type: ignore[attr-defined]
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
    for name in ("start_jobs", "start_gauges"):
        getattr(worker.wsgi, name, bool)()  # type: ignore[attr-defined]
    # The application is here by now. What gunicorn says about requests is to hide what the application hides.
    from backend.core.logs import join_server_log

    join_server_log(worker.log.error_log)  # type: ignore[attr-defined]
    # What is there now lives as long as the worker. Whenever garbage is looked for among it, all threads stand still
    # for a tenth of a second.
    gc.collect()
    gc.freeze()


def worker_exit(_server: object, _worker: object) -> None:
    """Called by a worker at its end: what still holds its threads, such as WebSockets, is waited for no more."""
    from backend.core.graceful import stopping

    stopping.end()


def child_exit(server: object, _worker: object) -> None:
    """Called by the master for each worker that has ended, however it did."""
    try:
        _add_up_the_dead(os.environ[FIGURES])
    except Exception:
        server.log.exception("The figures of a dead worker could not be added up.")  # type: ignore[attr-defined]


def on_exit(_server: object) -> None:
    """Called by the master at its end."""
    shutil.rmtree(os.environ[FIGURES], ignore_errors=True)
