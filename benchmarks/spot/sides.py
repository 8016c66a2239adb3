"""Both sides as they run in production, each on its own database of one durable MariaDB, with the same data."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.processors import AVAILABLE
from benchmarks.servers import Server, gunicorn
from benchmarks.spot.data import Scale, load
from tests.support.mariadb import running_mariadb

NATIVE, MONOLITH = "backend:create_app()", "legacy.spot:create_app()"
#: A commit is on the disk when it is answered, as in production; memory for all of the data.
DURABLE = (
    "--innodb-flush-log-at-trx-commit=1",
    "--innodb-buffer-pool-size=1G",
    "--innodb-log-file-size=256M",
)


@contextmanager
def both_sides(scale: Scale) -> Iterator[tuple[Server, Server]]:
    """The native side and the bundled monolith, each with two workers of sixteen threads."""
    now = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    with ExitStack() as stack:
        mariadb = stack.enter_context(running_mariadb(DURABLE))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
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
            with mariadb.connect(url.rpartition("/")[2]) as connection:
                load(connection, scale, now)
        yield servers[0], servers[1]
