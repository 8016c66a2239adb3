"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support import mariadb as mariadb_support
from tests.support import postgres as postgres_support
from tests.support.mariadb import MariaDB, running_mariadb
from tests.support.postgres import PostgreSQL, running_postgres


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One private MariaDB server for the whole run; each test creates its own database on it."""
    _need(mariadb_support.missing_programs(), "MariaDB", "mariadb-server")
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """One private PostgreSQL server for the whole run; each test creates its own database on it."""
    _need(postgres_support.missing_programs(), "PostgreSQL", "postgresql")
    with running_postgres() as server:
        yield server


def _need(missing: list[str], product: str, package: str) -> None:
    """Skip where a server is not installed; where everything must be tested, fail."""
    if missing:
        reason = f"tests on {product} need {' and '.join(missing)}: install the package {package}"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that mostly wait begin first."""
    items.sort(key=lambda item: item.get_closest_marker("by_the_clock") is None)
