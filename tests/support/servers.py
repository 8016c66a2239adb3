"""The database servers that tests start for themselves."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

import pytest

from tests.support import mariadb, postgres

Server = mariadb.MariaDB | postgres.PostgreSQL
DURABLE = {"mariadb": ("--innodb-flush-log-at-trx-commit=1",), "postgres": ()}
"""Settings of a server that keeps what it has confirmed, by product."""


def running(product: str, *, durable: bool = False) -> AbstractContextManager[Server]:
    """A server of its own. Where it is not installed the test is skipped; where everything must be tested, it fails."""
    module, name, package = {
        "mariadb": (mariadb, "MariaDB", "mariadb-server"),
        "postgres": (postgres, "PostgreSQL", "postgresql"),
    }[product]
    if missing := module.missing_programs():
        reason = f"tests on {name} need {' and '.join(missing)}: install the package {package}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    start = {"mariadb": mariadb.running_mariadb, "postgres": postgres.running_postgres}[product]
    return start(DURABLE[product]) if durable else start()
