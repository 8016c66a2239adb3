"""The proxied backend answers and stores what the bundled monolith does; what differs is meant to, and explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, cutover, replay
from tests.support.mariadb import MariaDB

MONOLITH = "legacy.spot:create_app()"


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ledger in which native owns everything that it implements. Replays only read it."""
    directory = tmp_path_factory.mktemp("ledger")
    url, seeding = (f"sqlite:///{directory}/{name}.sqlite3" for name in ("ledger", "seeding"))
    native = ("--native", "backend:create_app")
    seeded = cutover("routes", "--seed", MONOLITH, *native, "--ledger", url, SPOT_DATABASE_URL=seeding)
    promoted = cutover("promote", "*", "--why", "parity", "--ledger", url)
    assert (seeded.status, promoted.status) == (0, 0), seeded.errors + promoted.errors
    assert "63 routes were changed" in promoted.output
    return url


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_every_difference_is_meant(tmp_path: Path, ledger: str, database: str, mariadb: MariaDB) -> None:
    databases: tuple[str, ...] = ()
    if database == "mariadb":
        databases = ("--control-db", mariadb.create_database(), "--candidate-db", mariadb.create_database(), "--reset")
    report = replay(
        tmp_path / "report",
        *sorted(RECORDINGS.glob("*.har")),
        *("--control", MONOLITH, "--candidate", "wsgi:application", *databases),
        CUTOVER_LEDGER_URL=ledger,
        SPOT_AUTO_MIGRATE="true",
    )
    summary = report["summary"]
    assert report["differences"] == []
    assert (summary["exchanges"], summary["different"], summary["errors"]) == (1559, 0, 0)
    assert summary["equal"] > 1300
    assert report["databases"]["differences"] == []
    assert report["databases"]["equal"]


def test_each_accepted_difference_has_a_reason_and_an_owner(tmp_path: Path, ledger: str) -> None:
    report = replay(
        tmp_path / "report",
        RECORDINGS / "agent-lifecycle.har",
        *("--control", MONOLITH, "--candidate", "wsgi:application"),
        CUTOVER_LEDGER_URL=ledger,
    )
    rules = [accepted["rule"] for accepted in report["accepted"]]
    assert {"POST /api/agents/register", "POST /api/agents/<agent_id>/decide"} <= {rule["route"] for rule in rules}
    assert all(rule["reason"] and rule["owner"] and rule["change"] for rule in rules)


def test_without_rules_the_deliberate_fixes_are_differences(tmp_path: Path, ledger: str) -> None:
    report = replay(
        tmp_path / "report",
        RECORDINGS / "agent-lifecycle.har",
        *("--control", MONOLITH, "--candidate", "wsgi:application", "--no-rules"),
        CUTOVER_LEDGER_URL=ledger,
    )
    fixed = {difference["route"] for difference in report["differences"]}
    assert "POST /api/agents/<agent_id>/issue-switch-command" in fixed
    assert "POST /api/agents/<agent_id>/decide" in fixed
