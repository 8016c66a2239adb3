"""The jobs that the old side had: from the same state both leave the same rows, or the difference is meant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend import create_app
from backend.spot.jobs import data_cleanup
from backend.spot.migrations import baseline
from backend.spot.models import db
from backend.spot.services.upkeep.retention import RETENTIONS, delete_expired
from legacy import spot_jobs
from legacy.spot_db import Database as LegacyDatabase
from tests.backend.conftest import Database, Spot, server_runner, settings_for, sqlite_runner
from tests.support.jobs import run_job
from tests.support.mariadb import MariaDB

#: What each side makes up by itself.
OWN = frozenset({"id", "created_at", "updated_at", "computed_at", "recorded_at", "last_sync_at"})


@dataclass
class BothSides:
    """Two databases with the same rows: one for the monolith's functions, one for our jobs."""

    legacy: LegacyDatabase
    legacy_sql: Callable[..., list[dict[str, Any]]]
    app: Flask
    sql: Callable[..., list[dict[str, Any]]]

    def insert(self, table: str, **values: Any) -> None:
        statement = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})"
        for run in (self.legacy_sql, self.sql):
            run(statement, *[_text(value) for value in values.values()])

    def rows(self, table: str, *ignored: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The rows of both sides, in one order, without what each side makes up."""
        found = []
        for run in (self.legacy_sql, self.sql):
            rows = [_plain(row, OWN | set(ignored)) for row in run(f"SELECT * FROM {table}")]
            found.append(sorted(rows, key=str))
        return found[0], found[1]

    def assert_same(self, *tables: str, ignored: tuple[str, ...] = ()) -> None:
        for table in tables:
            theirs, ours = self.rows(table, *ignored)
            assert ours == theirs, table


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, date) else value


def _plain(row: dict[str, Any], ignored: frozenset[str] | set[str]) -> dict[str, Any]:
    plain = {}
    for name, value in row.items():
        if name in ignored:
            continue
        if name == "metadata" and value is not None:
            value = json.loads(value)
        plain[name] = float(value) if isinstance(value, Decimal | int) else str(value) if value is not None else None
    return plain


def both_sides(urls: list[str], runners: list[Callable[..., list[dict[str, Any]]]]) -> BothSides:
    legacy = LegacyDatabase(urls[0])
    legacy.create_schema()
    return BothSides(legacy, runners[0], create_app("spot", settings_for(urls[1])), runners[1])


def with_clients(sides: BothSides) -> BothSides:
    sides.insert("clients", id="c1", name="One", email="one", client_token="1", is_active=1, total_savings=7.5)
    sides.insert("clients", id="c2", name="Two", email="two", client_token="2", is_active=1, total_savings=0)
    sides.insert("clients", id="c3", name="Gone", email="gone", client_token="3", is_active=0, total_savings=3)
    insert_agent(sides, "a1", status="offline", instance_id="i-1")
    return sides


def insert_agent(sides: BothSides, name: str, **values: Any) -> None:
    """An agent, installed at one moment on both sides: they are filled one after the other."""
    sides.insert("agents", **{"id": name, "logical_agent_id": name, "client_id": "c1", "installed_at": now()} | values)


@pytest.fixture
def both_on_sqlite(tmp_path: Path) -> BothSides:
    paths = [tmp_path / "theirs.sqlite3", tmp_path / "ours.sqlite3"]
    return with_clients(both_sides([f"sqlite:///{path}" for path in paths], [sqlite_runner(path) for path in paths]))


@pytest.fixture(scope="module")
def mariadb_pair(mariadb: MariaDB) -> tuple[BothSides, list[str]]:
    urls = [mariadb.create_database(), mariadb.create_database()]
    return both_sides(urls, [server_runner(mariadb, url) for url in urls]), urls


@pytest.fixture
def both_on_mariadb(mariadb: MariaDB, mariadb_pair: tuple[BothSides, list[str]]) -> BothSides:
    sides, urls = mariadb_pair
    for url in urls:
        with mariadb.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            for table in reversed(baseline.metadata.sorted_tables):
                cursor.execute(f"DELETE FROM {table.name}")
    return with_clients(sides)


@pytest.fixture(params=["both_on_sqlite", "both_on_mariadb"])
def both(request: pytest.FixtureRequest) -> BothSides:
    sides: BothSides = request.getfixturevalue(request.param)
    return sides


class TestAgentHealth:
    def agent(self, both: BothSides, name: str, silent: int | None, **values: Any) -> None:
        seen = None if silent is None else now() - timedelta(seconds=silent)
        insert_agent(both, name, **{"status": "online", "last_heartbeat_at": seen} | values)

    def test_both_sides_take_the_same_agents_offline(self, both: BothSides) -> None:
        self.agent(both, "fresh", 0)
        self.agent(both, "silent", 400, hostname="host-1", instance_id="i-2", enabled=0)
        self.agent(both, "nameless", 500, client_id="c2")
        self.agent(both, "never", None)
        self.agent(both, "switching", 500, status="switching")
        spot_jobs.check_agent_health(both.legacy, 120)
        assert run_job(both.app, "agent-health").counts == {"offline": 2}
        both.assert_same("agents", "notifications", "system_events")
        statuses = {row["id"]: row["status"] for row in both.sql("SELECT id, status FROM agents")}
        assert statuses == {
            "a1": "offline",
            "fresh": "online",
            "silent": "offline",
            "nameless": "offline",
            "never": "online",
            "switching": "switching",
        }

    def test_once_is_enough(self, both: BothSides) -> None:
        self.agent(both, "silent", 400)
        assert run_job(both.app, "agent-health").counts == {"offline": 1}
        assert run_job(both.app, "agent-health").counts == {"offline": 0}
        assert len(both.sql("SELECT id FROM notifications")) == 1


class TestClientSnapshots:
    @pytest.mark.parametrize("before", [None, 1, 3, 5])
    def test_both_sides_count_the_same(self, both: BothSides, before: int | None) -> None:
        if before is not None:
            yesterday = now().date() - timedelta(days=1)
            both.insert("clients_daily_snapshot", snapshot_date=yesterday, total_clients=before, active_clients=before)
        spot_jobs.snapshot_clients_daily(both.legacy)
        assert run_job(both.app, "client-snapshots").counts == {"clients": 3}
        both.assert_same("clients_daily_snapshot")

    def test_a_day_is_the_same_however_often_it_is_written(self, both: BothSides) -> None:
        both.insert("clients_daily_snapshot", snapshot_date=now().date() - timedelta(days=1), total_clients=1)
        run_job(both.app, "client-snapshots")
        first = both.rows("clients_daily_snapshot")[1]
        run_job(both.app, "client-snapshots")
        assert both.rows("clients_daily_snapshot")[1] == first
        assert [row["new_clients_today"] for row in first] == [0, 2]


class TestMonthlySavings:
    def instances(self, both: BothSides) -> None:
        for name, price, active, client in (
            *(("i-1", 0.05, 1, "c1"), ("i-2", 0.5, 0, "c1"), ("i-3", None, 1, "c1"), ("i-4", 0.0416, 1, "c1")),
            *(("i-5", 0.000007, 1, "c2"), ("i-6", 1.0, 1, "c3")),
        ):
            both.insert(
                "instances",
                id=name,
                client_id=client,
                instance_type="t3",
                region="r",
                az="z",
                baseline_ondemand_price=price,
                is_active=active,
            )

    def switch(
        self, both: BothSides, name: str, mode: str, spot: float | None, at: datetime, impact: float = 0
    ) -> None:
        both.insert(
            "switches",
            id=name,
            client_id="c1",
            agent_id="a1",
            new_mode=mode,
            new_spot_price=spot,
            on_demand_price=0.05,
            initiated_at=at,
            savings_impact=impact,
        )

    def test_both_sides_compute_the_same_without_switches(self, both: BothSides) -> None:
        self.instances(both)
        spot_jobs.compute_monthly_savings(both.legacy)
        assert run_job(both.app, "monthly-savings").counts == {"clients": 2, "failed": 0}
        both.assert_same("client_savings_monthly", "system_events")
        assert len(both.sql("SELECT id FROM client_savings_monthly")) == 2

    def test_both_sides_compute_the_same_with_switches(self, both: BothSides) -> None:
        self.instances(both)
        first = now().replace(day=1, hour=0, minute=0, second=0)
        self.switch(both, "s1", "spot", 0.01, first)
        self.switch(both, "s2", "ondemand", 0.01, first)
        self.switch(both, "s3", "spot", None, first)
        self.switch(both, "s4", "spot", 9.0, first - timedelta(seconds=1))
        spot_jobs.compute_monthly_savings(both.legacy)
        run_job(both.app, "monthly-savings")
        both.assert_same("system_events")
        both.assert_same("client_savings_monthly", ignored=("switch_count",))
        counts = {row["client_id"]: row["switch_count"] for row in both.rows("client_savings_monthly")[1]}
        assert counts == {"c1": 3, "c2": 0}, "the database's event counted them"

    def test_a_month_is_computed_again_in_place(self, both: BothSides) -> None:
        self.instances(both)
        run_job(both.app, "monthly-savings")
        both.sql("UPDATE client_savings_monthly SET savings_percentage = 12")
        both.sql("UPDATE instances SET baseline_ondemand_price = 0.1 WHERE id = 'i-1'")
        run_job(both.app, "monthly-savings")
        (row,) = both.sql("SELECT savings, savings_percentage FROM client_savings_monthly WHERE client_id = 'c1'")
        assert (float(row["savings"]), float(row["savings_percentage"])) == (101.952, 12)

    def test_a_client_whose_figures_do_not_fit_costs_the_others_nothing(self, both_on_sqlite: BothSides) -> None:
        self.instances(both_on_sqlite)
        both_on_sqlite.sql("UPDATE instances SET baseline_ondemand_price = 1e12 WHERE client_id = 'c1'")
        assert run_job(both_on_sqlite.app, "monthly-savings").counts == {"clients": 2, "failed": 1}
        assert both_on_sqlite.sql("SELECT client_id FROM client_savings_monthly") == [{"client_id": "c2"}]

    def test_what_switches_save_a_day(self, both: BothSides) -> None:
        midnight = now().replace(hour=0, minute=0, second=0)
        yesterday = midnight - timedelta(days=1)
        for name, impact, at in (
            *(("s1", 0.0297, yesterday), ("s2", -0.01, midnight - timedelta(seconds=1))),
            *(("s3", 5, midnight), ("s4", 5, yesterday - timedelta(seconds=1))),
        ):
            self.switch(both, name, "spot", 0.01, at, impact)
        for _ in range(2):
            assert run_job(both.app, "daily-savings").counts == {"clients": 3}
        rows = both.sql("SELECT * FROM savings_snapshots ORDER BY client_id")
        assert [(row["client_id"], float(row["daily_savings"]), row["switch_count"]) for row in rows] == [
            *(("c1", 0.4728, 2), ("c2", 0, 0), ("c3", 0, 0)),
        ]
        assert {str(row["snapshot_date"]) for row in rows} == {yesterday.date().isoformat()}


def test_total_savings_are_never_reset(both: BothSides) -> None:
    assert run_job(both.app, "total-savings").counts == {"changed": 0}
    for name, savings in (("r1", 1.25), ("r2", 2), ("r3", None)):
        both.insert(
            "cost_records",
            id=name,
            client_id="c1",
            agent_id="a1",
            savings=savings,
            period_start=now(),
            period_end=now(),
        )
    assert run_job(both.app, "total-savings").counts == {"changed": 1}
    assert run_job(both.app, "total-savings").counts == {"changed": 0}
    totals = {row["id"]: float(row["total_savings"]) for row in both.sql("SELECT id, total_savings FROM clients")}
    assert totals == {"c1": 3.25, "c2": 0, "c3": 3}


class TestDataCleanup:
    def age(self, both: BothSides, days: int) -> None:
        """Rows that are `days` old, less an hour."""
        then = now() - timedelta(days=days, hours=-1)
        mine = {"client_id": "c1", "agent_id": "a1"}
        both.insert("spot_price_snapshots", pool_id="p", price=days, captured_at=then)
        both.insert("ondemand_price_snapshots", region="r", instance_type="t", price=days, captured_at=then)
        both.insert("risk_scores", client_id="c1", recommended_action=days, created_at=then)
        both.insert("decision_engine_log", engine_type=days, input_data="{}", output_decision="{}", created_at=then)
        both.insert("pricing_reports", id=f"r{days}", agent_id="a1", received_at=then)
        both.insert("system_events", event_type=f"e{days}", created_at=then)
        for read in (0, 1):
            both.insert(
                "notifications", id=f"n{days}-{read}", client_id="c1", message="", is_read=read, created_at=then
            )
        for status in ("completed", "pending"):
            command = {"id": f"c{days}-{status}", "command_type": "switch", "status": status, "completed_at": then}
            both.insert("commands", **mine, **command)
        both.insert("audit_logs", id=f"l{days}", created_at=then)
        both.insert("cleanup_logs", **mine, cleanup_type="full", executed_at=then)
        both.insert("pending_switch_commands", **mine, id=days, instance_id="i", target_mode="spot", executed_at=then)

    def test_what_the_old_job_deleted_and_what_its_events_did(self, both: BothSides) -> None:
        both.insert("spot_pools", id="p", instance_type="t", region="r", az="z")
        for days in (1, 7, 8, 30, 31, 90, 91, 181):
            self.age(both, days)
        spot_jobs.cleanup_old_data(both.legacy)
        counts = run_job(both.app, "data-cleanup").counts
        both.assert_same("spot_price_snapshots", "ondemand_price_snapshots", "risk_scores", "decision_engine_log")
        assert counts == {
            "spot_price_snapshots": 4,
            "ondemand_price_snapshots": 4,
            "risk_scores": 2,
            "decision_engine_log": 4,
            "pricing_reports": 4,
            "system_events": 2,
            "audit_logs": 1,
            "notifications": 4,
            "commands": 6,
            "pending_switch_commands": 6,
            "cleanup_logs": 4,
        }
        (event,) = both.sql("SELECT severity, message FROM system_events WHERE event_type = 'data_cleanup'")
        assert event == {"severity": "info", "message": "Cleaned up old time-series data"}
        unread = both.sql("SELECT id FROM notifications WHERE is_read = 0")
        pending = both.sql("SELECT id FROM commands WHERE status = 'pending'")
        assert (len(unread), len(pending)) == (8, 8)
        assert run_job(both.app, "data-cleanup").counts == {}

    def test_a_step_deletes_no_more_than_its_limit(self, both: BothSides, monkeypatch: pytest.MonkeyPatch) -> None:
        both.insert("spot_pools", id="p", instance_type="t", region="r", az="z")
        for number in range(5):
            both.insert("spot_price_snapshots", pool_id="p", price=number, captured_at="2020-01-01 00:00:00")
        with both.app.app_context():
            session = db.session()
            assert delete_expired(session, RETENTIONS[0], now(), 2) == 2
            session.commit()
        monkeypatch.setattr(data_cleanup, "BATCH", 2)
        assert run_job(both.app, "data-cleanup").counts == {"spot_price_snapshots": 3}

    def test_a_failure_leaves_an_event_and_what_was_deleted_before(self, both_on_sqlite: BothSides) -> None:
        both_on_sqlite.insert(
            "ondemand_price_snapshots", region="r", instance_type="t", price=1, captured_at="2020-01-01 00:00:00"
        )
        both_on_sqlite.legacy_sql("DROP TABLE risk_scores")
        both_on_sqlite.sql("DROP TABLE risk_scores")
        spot_jobs.cleanup_old_data(both_on_sqlite.legacy)
        with pytest.raises(AssertionError, match=r"risk_scores|could not carry out"):
            run_job(both_on_sqlite.app, "data-cleanup")
        both_on_sqlite.assert_same("ondemand_price_snapshots")
        both_on_sqlite.assert_same("system_events", ignored=("message",))
        (event,) = both_on_sqlite.sql("SELECT event_type, severity, message FROM system_events")
        assert (event["event_type"], event["severity"]) == ("cleanup_failed", "error")
        assert "risk_scores" in event["message"]


def test_a_failing_savings_job_says_so(both_on_sqlite: BothSides) -> None:
    for run in (both_on_sqlite.legacy_sql, both_on_sqlite.sql):
        run("ALTER TABLE clients RENAME COLUMN is_active TO was_active")
    spot_jobs.compute_monthly_savings(both_on_sqlite.legacy)
    with pytest.raises(AssertionError, match=r"is_active|could not carry out"):
        run_job(both_on_sqlite.app, "monthly-savings")
    both_on_sqlite.assert_same("system_events", ignored=("message",))
    (event,) = both_on_sqlite.sql("SELECT event_type, severity FROM system_events")
    assert event == {"event_type": "savings_computation_failed", "severity": "error"}


def test_every_job_runs_on_every_database(database: Database) -> None:
    app = create_app("spot", settings_for(database.url))
    for job in app.extensions["jobs"]:
        run_job(app, job.name)
    assert database.sql("SELECT COUNT(*) AS n FROM job_runs WHERE outcome = 'succeeded'") == [{"n": 10}]


def test_a_timeout_that_makes_no_sense_stops_the_start() -> None:
    with pytest.raises(ValueError, match="AGENT_HEARTBEAT_TIMEOUT must be a whole number from 1 to 86400"):
        create_app(
            "spot", settings_for("sqlite:///nowhere.sqlite3", AUTO_MIGRATE="false", AGENT_HEARTBEAT_TIMEOUT="soon")
        )


def test_the_timeout_can_be_set(spot: Spot) -> None:
    path = spot.app.extensions["settings"].database_url.database
    patient = create_app("spot", settings_for(f"sqlite:///{path}", AGENT_HEARTBEAT_TIMEOUT="3600"))
    spot.sql("UPDATE agents SET last_heartbeat_at = ?", str(now() - timedelta(minutes=30)))
    assert run_job(patient, "agent-health").counts == {"offline": 0}
    assert run_job(spot.app, "agent-health").counts == {"offline": 1}
    assert (
        "(120s)" in spot.one("SELECT message FROM system_events WHERE event_type = 'agent_marked_offline'")["message"]
    )
