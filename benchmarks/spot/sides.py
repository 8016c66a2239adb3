"""Both sides as they run in production, each on its own database of one durable MariaDB, with the same data.

The native side's job that adds prices up by the hour has run, as it does every few minutes in production: the product's
own command runs it, in a process of its own. It waits ten minutes before it trusts that no smaller number of a price is
still to be committed; as nobody else inserts meanwhile, it is told not to wait.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pymysql import MySQLError
from pymysql.constants import ER
from pymysql.cursors import Cursor

from benchmarks.processors import AVAILABLE
from benchmarks.servers import ROOT, Server, gunicorn
from benchmarks.spot.data import Scale, load
from benchmarks.spot.spares import load_spares
from tests.support.mariadb import MariaDB, running_mariadb

NATIVE, MONOLITH = "backend:create_app()", "legacy.spot:create_app()"
ROLL_UP = (sys.executable, "-m", "flask", "--app", NATIVE, "jobs", "run", "price-rollup")
#: A commit is on the disk when it is answered, as in production; memory for all of the data; and the mode that the old
#: side's sessions expect, or else it would have to set it with each statement.
DURABLE = (
    "--sql-mode=STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION",
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=256M",
)
WRITING_OUT_SECONDS = ENDING_SECONDS = 60.0
RUNNING = "SELECT id FROM information_schema.processlist WHERE command = 'Query' AND db IN %s"
PATIENCE_SECONDS = 600.0
FEW_PAGES = 100


@dataclass(frozen=True)
class Sides:
    """The native side and the bundled monolith, in this order, and their databases on one server."""

    servers: tuple[Server, Server]
    mariadb: MariaDB
    databases: tuple[str, str]
    scale: Scale

    def end_statements(self) -> None:
        """End what the servers still have the database work at, and wait until it is ended."""
        deadline = time.monotonic() + ENDING_SECONDS
        with self.mariadb.connect() as connection, connection.cursor() as cursor:
            while cursor.execute(RUNNING, (self.databases,)):
                if time.monotonic() > deadline:
                    raise TimeoutError("the database goes on with statements that were ended")
                for (number,) in cursor.fetchall():
                    _kill(cursor, number)
                time.sleep(0.1)

    def load_spares(self, count: int) -> None:
        """Give both databases what `count` requests to each route use up."""
        now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        for database in self.databases:
            with self.mariadb.connect(database) as connection:
                load_spares(connection, self.scale, count, now)
        _write_out(self.mariadb)


@contextmanager
def both_sides(scale: Scale) -> Iterator[Sides]:
    """Both sides at work, each with two workers of sixteen threads."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    with ExitStack() as stack:
        mariadb = stack.enter_context(running_mariadb(DURABLE))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers, databases = [], []
        for number, app in enumerate((NATIVE, MONOLITH)):
            url = mariadb.create_database()
            environment = {
                "SPOT_DATABASE_URL": url,
                "SPOT_AUTO_MIGRATE": "true",
                "MODEL_DIR": str(directory / f"models-{number}"),
                "DECISION_ENGINE_DIR": str(directory / f"engines-{number}"),
            }
            everywhere = set(AVAILABLE)
            servers.append(
                stack.enter_context(
                    gunicorn(app, environment, ready="/health", processors=everywhere, workers=2, threads=16)
                )
            )
            databases.append(url.rpartition("/")[2])
            with mariadb.connect(databases[-1]) as connection:
                load(connection, scale, now)
            if app == NATIVE:
                _roll_up_prices(environment)
        _write_out(mariadb)
        yield Sides((servers[0], servers[1]), mariadb, (databases[0], databases[1]), scale)


def _roll_up_prices(environment: Mapping[str, str]) -> None:
    """A first run notes the newest price, a second one adds up until there."""
    settings = {**os.environ, **environment, "PRICE_ROLLUP_DELAY": "0", "LOG_LEVEL": "WARNING"}
    for _ in range(2):
        subprocess.run(ROLL_UP, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL, timeout=PATIENCE_SECONDS, check=True)


def _kill(cursor: Cursor, number: int) -> None:
    try:
        cursor.execute("KILL QUERY %s", (number,))
    except MySQLError as error:
        # The connection may have ended by itself.
        if error.args[0] != ER.NO_SUCH_THREAD:
            raise


def _write_out(mariadb: MariaDB) -> None:
    """Wait, for a while, until what was loaded is on the disk: else the first requests would compete with that."""
    deadline = time.monotonic() + WRITING_OUT_SECONDS
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.innodb_max_dirty_pages_pct")
        (usual,) = cursor.fetchone()
        cursor.execute("SET GLOBAL innodb_max_dirty_pages_pct = 0")
        while time.monotonic() < deadline:
            cursor.execute("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")
            if int(cursor.fetchone()[1]) < FEW_PAGES:
                break
            time.sleep(0.1)
        cursor.execute("SET GLOBAL innodb_max_dirty_pages_pct = %s", (usual,))
