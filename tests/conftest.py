"""Fixtures that every room's tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import language_model
from tests.support.servers import Server, running


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Server]:
    """One private MariaDB server for the whole run; each test creates its own database on it."""
    with running("mariadb") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One private PostgreSQL server for the whole run; each test creates its own database on it."""
    with running("postgres") as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that mostly wait begin first."""
    items.sort(key=lambda item: item.get_closest_marker("by_the_clock") is None)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was not tested for want of something large is said once, and loudly."""
    if language_model.was_missed(terminalreporter.stats.get("skipped", ())):
        terminalreporter.write_sep("!", language_model.MISSING, red=True, bold=True)
