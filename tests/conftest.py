"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.mariadb import MariaDB, missing_programs, running_mariadb


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDB]:
    """One private MariaDB server for the whole run; each test creates its own database on it."""
    if missing := missing_programs():
        reason = f"tests on MariaDB need {' and '.join(missing)}: install the package mariadb-server"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with running_mariadb() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that mostly wait begin first."""
    items.sort(key=lambda item: item.get_closest_marker("by_the_clock") is None)
