"""The supervisor: `python -m backend.assistant.services.llm.process DATA_DIR LIMITS`, started by who needs it first.

One a data directory: it holds a lock for life, and a second one ends at once. It ends when no server has used it for a
while, and when it is told to (SIGTERM).
"""

import asyncio
import fcntl
import json
import logging
import os
import signal
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from backend.assistant.services.llm.generations import Generations
from backend.assistant.services.llm.limits import Limits
from backend.assistant.services.llm.protocol import Paths
from backend.assistant.services.llm.server import Server
from backend.assistant.services.llm.supervisor import Supervisor
from backend.core.logs import JsonLines

#: Seconds between two looks whether anybody still uses the model.
LOOK_EVERY = 0.5
LOG_BYTES, OLD_LOGS = 10 * 1024 * 1024, 5

_log = logging.getLogger("backend.assistant.llm")


def main(data_directory: Path, limits: Limits) -> None:
    """Supervise, unless another process does."""
    paths = Paths(data_directory)
    paths.make()
    elected = os.open(paths.elected, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(elected, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    _write_logs(data_directory / "logs")
    # Relative addresses stay short wherever the data directory is.
    os.chdir(paths.directory)
    asyncio.run(_supervise(limits, paths))


async def _supervise(limits: Limits, paths: Paths) -> None:
    supervisor = Supervisor(paths.loaded, limits)
    generations = Generations(supervisor)
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    supervisor.resume()
    server = await Server(supervisor, generations).start(paths)
    _log.info("the supervisor of the model is there", extra={"pid": os.getpid()})
    await _until_unused(paths, supervisor, told_to_end)
    _log.info("the supervisor of the model ends", extra={"pid": os.getpid()})
    paths.socket.unlink(missing_ok=True)
    server.close()
    await supervisor.unload()


async def _until_unused(paths: Paths, supervisor: Supervisor, told_to_end: asyncio.Event) -> None:
    users = os.open(paths.users, os.O_RDWR | os.O_CREAT, 0o600)
    used_at = time.monotonic()
    while not told_to_end.is_set() and time.monotonic() - used_at <= supervisor.limits.linger:
        if _is_used(users):
            used_at = time.monotonic()
        try:
            async with asyncio.timeout(LOOK_EVERY):
                await told_to_end.wait()
        except TimeoutError:
            continue


def _is_used(users: int) -> bool:
    """Whether any server holds its part of the lock."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(users, fcntl.LOCK_UN)
    return False


def _write_logs(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handler: Any = RotatingFileHandler(directory / "llm.log", maxBytes=LOG_BYTES, backupCount=OLD_LOGS)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("backend.assistant.llm")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Limits(**json.loads(sys.argv[2])))
