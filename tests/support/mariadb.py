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


def missing_programs() -> list[str]:
    """The programs of a MariaDB server that this machine lacks."""
    return [program for program in REQUIRED if shutil.which(program) is None]


class MariaDB:
    """A running server. The user is root, without a password."""

    def __init__(self, port: int, socket_path: Path) -> None:
        self.port = port
        self.socket_path = socket_path

    def url(self, database: str) -> str:
        """Address of a database on this server."""
        return f"mysql://root@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> pymysql.connections.Connection:
        """A plain connection that commits by itself, for looking behind the program under test."""
        return pymysql.connect(
            unix_socket=str(self.socket_path), user="root", database=database, autocommit=True, charset="utf8mb4"
        )

    def create_database(self, name: str | None = None) -> str:
        """Create an empty database, by default under a new name, and return its URL."""
        name = name or f"test_{uuid.uuid4().hex}"
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        return self.url(name)


@contextmanager
def running_mariadb() -> Iterator[MariaDB]:
    """Start a server, yield it when it answers, stop it and remove its files."""
    with tempfile.TemporaryDirectory(prefix="mariadb-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        data = directory / "data"
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(
            [
                *("mariadb-install-db", "--no-defaults", *as_root, f"--datadir={data}"),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            check=True,
            capture_output=True,
            timeout=START_SECONDS,
        )
        server = MariaDB(free_port(), directory / "server.sock")
        with (directory / "server.log").open("wb") as log:
            process = subprocess.Popen(_command(server, data, as_root), stdout=log, stderr=log)
        try:
            _wait(server, process, directory / "server.log")
            yield server
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(server: MariaDB, data: Path, as_root: list[str]) -> list[str]:
    return [
        *("mariadbd", "--no-defaults", *as_root, f"--datadir={data}", f"--socket={server.socket_path}"),
        *("--bind-address=127.0.0.1", f"--port={server.port}", f"--pid-file={data}/server.pid"),
        *("--skip-log-bin", "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=32M"),
        *("--innodb-log-file-size=16M", "--innodb-doublewrite=0", "--performance-schema=off"),
        *("--default-time-zone=+00:00", "--event-scheduler=off", "--max-connections=200"),
        *("--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci"),
    ]


def _wait(server: MariaDB, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"MariaDB did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def _answers(server: MariaDB) -> bool:
    try:
        server.connect().close()
    except pymysql.MySQLError:
        return False
    return True
