"""A private PostgreSQL server for tests: own data directory, own socket, a free port on 127.0.0.1."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from tests.support.net import free_port

START_SECONDS = 60
STOP_SECONDS = 20
REQUIRED = ("initdb", "postgres")
UNPRIVILEGED = ("postgres", "nobody")
"""Who runs the server when root runs the tests: it refuses to serve root."""
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")
"""What a server whose data nobody needs can do without."""
CLUSTER = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")


def missing_programs() -> list[str]:
    """The programs of a PostgreSQL server that this machine lacks."""
    return [program for program in REQUIRED if _find(program) is None]


class PostgreSQL:
    """A server that can be started, killed and started again. The user is postgres, without a password."""

    def __init__(self, directory: Path, settings: tuple[str, ...] = FAST) -> None:
        self.port = free_port()
        self.directory = directory
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Address of a database on this server."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A plain connection that commits by itself, for looking behind the program under test."""
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=10)

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database, by default under a new name, and return its URL."""
        name = name or f"test_{uuid.uuid4().hex}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")
        return self.url(name)

    def initialise(self) -> None:
        """Make the data directory."""
        _run_to_end("initdb", f"--pgdata={self.directory}/data", *CLUSTER, cwd=self.directory)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.directory / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [_required("postgres"), "-D", f"{self.directory}/data", *self._options()],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                **_identity(),
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                text = (self.directory / "server.log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{text[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a loss of power would: it gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the server as quickly as it can in good order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def _options(self) -> list[str]:
        settings = (
            *("listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.directory}"),
            *("max_connections=200", "shared_buffers=32MB", "timezone=UTC", "logging_collector=off"),
            *self.settings,
        )
        return [word for setting in settings for word in ("-c", setting)]

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.Error:
            return False
        return True


@contextmanager
def running_postgres(settings: tuple[str, ...] = FAST) -> Iterator[PostgreSQL]:
    """Start a server, yield it when it answers, stop it and remove its files."""
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        if os.geteuid() == 0:
            user = pwd.getpwnam(_unprivileged())
            os.chown(name, user.pw_uid, user.pw_gid)
        server = PostgreSQL(Path(name), settings)
        server.initialise()
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _run_to_end(program: str, *arguments: str, cwd: Path) -> None:
    done = subprocess.run(
        [_required(program), *arguments], capture_output=True, timeout=START_SECONDS, cwd=cwd, **_identity()
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed:\n{done.stderr.decode(errors='replace')[-2000:]}")


def _identity() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(_unprivileged())
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _unprivileged() -> str:
    known = {user.pw_name for user in pwd.getpwall()}
    return next(name for name in UNPRIVILEGED if name in known)


def _required(program: str) -> str:
    found = _find(program)
    if found is None:
        raise RuntimeError(f"{program} is not installed")
    return found


def _find(program: str) -> str | None:
    """Debian keeps the servers of all versions off the path: take the newest."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    return shutil.which(program) or next((str(path) for path in installed), None)
