"""Evidence: what replays showed of routes, kept in the ledger, shown, and looked at before a promotion."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migration.cli.promote import promote
from migration.cli.routes import routes
from migration.ledger import Evidence, Ledger, State
from migration.ledger.evidence import KEPT, Run
from migration.targets.version import version_of
from tests.support.cli import cutover
from tests.support.har import RecordingCaller
from tests.support.shop import create_app

REGISTER = ("POST", "/api/agents/register")
HEARTBEAT = ("POST", "/api/agents/<agent_id>/heartbeat")
STARTED = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
SHOP = "tests.support.shop:create_app()"


def evidence(key: tuple[str, str] = REGISTER, days: int = 0, tables: int | None = None, **counts: int) -> Evidence:
    run = Run(STARTED + timedelta(days=days), ("agents",), "ab" * 32, "old:app", "new:app", "v1", "v2", tables)
    return Evidence(*key, run, **counts)


@pytest.fixture
def run(ledger_url: str):  # type: ignore[no-untyped-def]
    def invoke(command, *arguments: str) -> Result:  # type: ignore[no-untyped-def]
        return CliRunner().invoke(command, [*arguments, "--ledger", ledger_url])

    return invoke


def owner(ledger: Ledger, key: tuple[str, str]) -> State:
    return next(route.state for route in ledger.routes("spot") if (route.method, route.rule) == key)


class TestLedger:
    def test_the_newest_counts(self, ledger: Ledger) -> None:
        ledger.add_evidence("spot", [evidence(different=3)])
        ledger.add_evidence("spot", [evidence(days=1, equal=5, accepted=2), evidence(HEARTBEAT, equal=1)])
        ledger.add_evidence("other", [evidence(days=2, different=1)])
        book = ledger.evidence("spot")
        shown = {route.name: book.of(route) for route in ledger.routes("spot")}
        newest = shown["POST /api/agents/register"]
        assert newest == evidence(days=1, equal=5, accepted=2)
        assert newest is not None
        assert (newest.exchanges, newest.unexplained) == (7, 0)
        assert shown["GET /health"] is None

    def test_old_runs_are_forgotten(self, ledger: Ledger, ledger_url: str) -> None:
        ledger.add_evidence("spot", [evidence(HEARTBEAT, equal=1)])
        for days in range(KEPT + 5):
            ledger.add_evidence("spot", [evidence(days=days, equal=days)])
        with sqlite3.connect(ledger_url.removeprefix("sqlite:///")) as connection:
            kept = connection.execute("SELECT equal FROM cutover_evidence WHERE rule = ? ORDER BY id", [REGISTER[1]])
            assert [row[0] for row in kept] == list(range(5, KEPT + 5))
            assert connection.execute("SELECT count(*) FROM cutover_evidence").fetchone() == (KEPT + 1,)

    def test_a_ledger_made_before_there_was_evidence(self, ledger: Ledger, ledger_url: str) -> None:
        with sqlite3.connect(ledger_url.removeprefix("sqlite:///")) as connection:
            connection.execute("DROP TABLE cutover_evidence")
        assert all(Ledger(ledger_url).evidence("spot").of(route) is None for route in ledger.routes("spot"))


class TestRoutes:
    def test_evidence_is_shown(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        ledger.add_evidence("spot", [evidence(equal=1500), evidence(HEARTBEAT, equal=55, accepted=4)])
        shown = run(routes).stdout
        assert "1,500 on 2026-11-21" in shown
        assert "Evidence of 1,559 exchanges on 2 of them, the newest of 2026-11-21: no unexplained difference." in shown
        listed = {
            f"{route['method']} {route['rule']}": route for route in json.loads(run(routes, "--json").stdout)["routes"]
        }
        assert listed["GET /health"]["evidence"] is None
        assert listed["POST /api/agents/register"]["evidence"] == {
            "exchanges": 1500, "equal": 1500, "accepted": 0, "noise": 0, "different": 0, "errors": 0,
            "tables_different": None, "at": "2026-11-21T08:00:00+00:00", "recordings": ["agents"],
            "report_sha256": "ab" * 32, "control": "old:app", "candidate": "new:app", "control_version": "v1",
            "candidate_version": "v2",
        }  # fmt: skip

    def test_without_evidence_nothing_is_said_of_it(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        assert "Evidence of" not in run(routes).stdout


class TestPromotion:
    def test_a_route_without_evidence_is_promoted_with_a_warning(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        done = run(promote, "POST /api/agents/*", "--why", "w")
        assert done.exit_code == 0
        assert (
            "Warning: no evidence for POST /api/agents/<agent_id>/heartbeat, POST /api/agents/register" in done.stderr
        )
        assert owner(ledger, REGISTER) is State.NATIVE

    def test_a_route_that_was_seen_to_agree_is_promoted_silently(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        ledger.add_evidence("spot", [evidence(equal=3, accepted=1, noise=1, tables=0)])
        done = run(promote, "POST /api/agents/register", "--why", "w")
        assert (done.exit_code, done.stderr) == (0, "")

    @pytest.mark.parametrize("counts", [{"different": 2}, {"errors": 2}])
    def test_a_route_that_was_seen_to_differ_is_refused(self, run, ledger: Ledger, counts: dict[str, int]) -> None:  # type: ignore[no-untyped-def]
        ledger.add_evidence("spot", [evidence(HEARTBEAT, equal=9), evidence(equal=5, **counts)])
        done = run(promote, "POST /api/agents/*", "--why", "w")
        assert done.exit_code == 2
        assert "POST /api/agents/register has unexplained differences: 2 of 7 exchanges" in done.output
        assert owner(ledger, HEARTBEAT) is State.LEGACY
        insisted = run(promote, "POST /api/agents/*", "--why", "w", "--anyway")
        assert insisted.exit_code == 0
        assert "Warning: POST /api/agents/register: 2 of 7 exchanges differ" in insisted.stderr
        assert owner(ledger, REGISTER) is State.NATIVE

    def test_newer_evidence_makes_up_for_older(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        ledger.add_evidence("spot", [evidence(different=2)])
        ledger.add_evidence("spot", [evidence(days=1, equal=2)])
        assert run(promote, "POST /api/agents/register", "--why", "w").exit_code == 0

    def test_databases_that_differed_are_a_warning(self, run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
        ledger.add_evidence("spot", [evidence(equal=2, tables=3)])
        done = run(promote, "POST /api/agents/register", "--why", "w")
        assert done.exit_code == 0
        assert "all answers agree, but 3 tables of the databases differ" in done.stderr


class TestReplay:
    @pytest.fixture
    def traffic(self, tmp_path: Path) -> Path:
        call = RecordingCaller(create_app())
        ann = {"Authorization": f"ShopKey {call('POST', '/signup', {'name': 'Ann'})['key']}"}
        orders = [call("POST", "/orders", {"skus": ["tea"]}, ann) for _ in range(2)]
        for order in orders:
            call("GET", f"/orders/{order['ref']}", headers=ann)
        call("GET", "/nothing-there")
        return call.write(tmp_path / "shop.har")

    def test_what_a_run_showed_is_kept_for_known_routes(self, tmp_path: Path, traffic: Path, ledger_url: str) -> None:
        ledger = Ledger(ledger_url)
        ledger.seed("shop", [("POST", "/orders"), ("GET", "/orders/<id>"), ("GET", "/status")])
        done = cutover(
            *("replay", traffic, "--control", SHOP, "--candidate", SHOP, "--report", tmp_path / "report"),
            *("--ledger", ledger_url, "--domain", "shop", "--candidate-version", "v2"),
        )
        assert done.status == 0
        assert "Evidence of 4 exchanges on 2 of 3 routes is in the ledger." in done.errors
        book = ledger.evidence("shop")
        shown = {route.name: book.of(route) for route in ledger.routes("shop")}
        assert shown["GET /status"] is None
        kept = shown["GET /orders/<id>"]
        assert kept is not None
        assert (kept.equal, kept.unexplained, kept.run.recordings) == (2, 0, ("shop",))
        assert (kept.run.control, kept.run.candidate, kept.run.candidate_version) == (SHOP, SHOP, "v2")
        assert kept.run.digest == hashlib.sha256((tmp_path / "report" / "report.json").read_bytes()).hexdigest()

    def test_differences_are_kept_too(self, traffic: Path, ledger_url: str) -> None:
        ledger = Ledger(ledger_url)
        ledger.seed("spot", [("GET", "/orders/<ref>")])
        done = cutover(
            *("replay", traffic, "--control", "recording", "--candidate", SHOP, "--evidence"),
            CUTOVER_LEDGER_URL=ledger_url,
            SHOP_FAULT="wrong order",
        )
        assert done.status == 1
        (route,) = ledger.routes("spot")
        kept = ledger.evidence("spot").of(route)
        assert kept is not None
        assert (kept.different, kept.exchanges) == (1, 2)

    def test_what_the_proxy_left_with_legacy_is_no_evidence(
        self, tmp_path: Path, traffic: Path, ledger_url: str
    ) -> None:
        (tmp_path / "half_moved.py").write_text(
            "from tests.support.shop import create_app as shop\n"
            "def create_app():\n"
            "    app = shop()\n"
            "    @app.after_request\n"
            "    def tell(response):\n"
            "        owner = 'native' if response.status_code == 201 else 'legacy'\n"
            "        response.headers['X-Cutover-Owner'] = owner\n"
            "        return response\n"
            "    return app\n"
        )
        ledger = Ledger(ledger_url)
        ledger.seed("spot", [("POST", "/orders"), ("GET", "/orders/<ref>")])
        done = cutover(
            *("replay", traffic, "--control", SHOP, "--candidate", "half_moved:create_app", "--ledger", ledger_url),
            PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        )
        assert "Evidence of 2 exchanges on 1 of 2 routes is in the ledger." in done.errors

    def test_an_empty_ledger_and_an_unreachable_one(self, tmp_path: Path, traffic: Path, ledger_url: str) -> None:
        sides = ("--control", "recording", "--candidate", SHOP)
        done = cutover("replay", traffic, *sides, "--ledger", ledger_url)
        assert "No evidence was kept: the ledger knows no route of the domain spot." in done.errors
        refused = cutover("replay", traffic, *sides, "--ledger", "mysql://root@127.0.0.1:9/ledger")
        assert refused.status == 2
        assert refused.output == ""


class TestVersions:
    @pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
    def test_a_commit_is_the_version_of_what_lies_in_a_checkout(self, tmp_path: Path) -> None:
        (tmp_path / "shop.py").write_text("app = None\n")
        me = ("-c", "user.name=t", "-c", "user.email=t@example.org")
        for command in (("init", "-q"), ("add", "shop.py"), (*me, "commit", "-qm", "first")):
            subprocess.run(["git", *command], cwd=tmp_path, check=True, timeout=30)
        commit = version_of("shop:app", tmp_path)
        assert len(commit) == 12
        (tmp_path / "shop.py").write_text("app = 1\n")
        assert version_of("shop:app", tmp_path) == f"{commit}-dirty"

    def test_a_package_has_its_own(self, tmp_path: Path) -> None:
        assert version_of("click:command", tmp_path)[0].isdigit()

    @pytest.mark.parametrize("target", ["http://127.0.0.1:5000", "recording", "no_such_module:app"])
    def test_nothing_tells_others(self, tmp_path: Path, target: str) -> None:
        assert version_of(target, tmp_path) == ""
