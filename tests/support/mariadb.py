"""A private MariaDB server for tests: own data directory, own socket, a free port on 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from tests.support.net import free_port

START_SECONDS = 60
STOP_SECONDS = 20
REQUIRED = ("mariadbd", "mariadb-install-db")
FAST = ("--innodb-flush-log-at-trx-commit=2", "--innodb-doublewrite=0")
"""What a server whose data nobody needs can do without."""
AS_ROOT = ("--user=root",) if os.geteuid() == 0 else ()


def missing_programs() -> list[str]:
    """The programs of a MariaDB server that this machine lacks."""
    return [program for program in REQUIRED if shutil.which(program) is None]


class MariaDB:
    """A server that can be started, killed and started again. The user is root, without a password."""

    def __init__(self, directory: Path, settings: tuple[str, ...] = FAST) -> None:
        self.port = free_port()
        self.directory = directory
        self._temporary = directory / "tmp"
        self.socket_path = directory / "server.sock"
        self.settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Address of a database on this server."""
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> pymysql.connections.Connection:
        """A plain connection that commits by itself, for looking behind the program under test."""
        return pymysql.connect(
            unix_socket=str(self.socket_path),
            user="root",
            database=database,
            autocommit=True,
            charset="utf8mb4",
        )

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database, by default under a new name, and return its URL."""
        name = name or f"test_{uuid.uuid4().hex}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        return self.url(name)

    def initialise(self) -> None:
        """Make the data directory. Raises RuntimeError with all that was said when it can't be made."""
        self._temporary.mkdir()
        done = subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", *AS_ROOT, *self._directories()),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=START_SECONDS,
        )
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db failed:\n{done.stdout.decode(errors='replace')}")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        log = self.directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(self._command(), stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server as a loss of power would: it gets no chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """End the server in good order."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def _command(self) -> list[str]:
        return [
            *("mariadbd", "--no-defaults", *AS_ROOT, *self._directories(), f"--socket={self.socket_path}"),
            *("--bind-address=127.0.0.1", f"--port={self.port}", f"--pid-file={self.directory}/data/server.pid"),
            *("--skip-log-bin", "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=16M"),
            *("--performance-schema=off", "--event-scheduler=off", "--max-connections=200"),
            *("--default-time-zone=+00:00", "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"),
            *self.settings,
        ]

    def _directories(self) -> tuple[str, str]:
        """A server that starts removes all servers' temporary tables from where it keeps its own: /tmp, unless told."""
        return f"--datadir={self.directory}/data", f"--tmpdir={self._temporary}"

    def _answers(self) -> bool:
        try:
            self.connect().close()
        except pymysql.MySQLError:
            return False
        return True


@contextmanager
def running_mariadb(settings: tuple[str, ...] = FAST) -> Iterator[MariaDB]:
    """Start a server, yield it when it answers, stop it and remove its files."""
    with tempfile.TemporaryDirectory(prefix="mariadb-", ignore_cleanup_errors=True) as name:
        server = MariaDB(Path(name), settings)
        server.initialise()
        try:
            server.start()
            yield server
        finally:
            server.stop()
