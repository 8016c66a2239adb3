"""The commands about the ledger, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from migration.cli.promote import promote, rollback
from migration.cli.routes import routes
from migration.ledger import Ledger

APP = """
from flask import Flask

def create_app(name="legacy"):
    app = Flask(name)
    app.add_url_rule("/health", "health", lambda: "")
    if name == "legacy":
        app.add_url_rule("/orders/<order_id>", "order", lambda order_id: "", methods=["POST"])
    return app
"""


@pytest.fixture
def run(ledger_url: str):  # type: ignore[no-untyped-def]
    def invoke(command, *arguments: str) -> Result:  # type: ignore[no-untyped-def]
        return CliRunner().invoke(command, [*arguments, "--ledger", ledger_url])

    return invoke


def test_seed_show_promote_and_roll_back(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "shop_for_ledger.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    shown = run(routes, "--seed", "shop_for_ledger:create_app", "--native", "shop_for_ledger:create_app('native')")
    assert shown.exit_code == 0, shown.output
    assert "2 routes of shop_for_ledger:create_app were added." in shown.stderr
    assert "/orders/<order_id>" in shown.stdout
    assert "2 routes: 2 legacy, 0 native; 1 implemented by the native side." in shown.stdout

    promoted = run(promote, "/health", "--why", "equal for a week", "--who", "ada")
    assert promoted.exit_code == 0, promoted.output
    assert "GET /health: legacy -> native" in promoted.output

    listing = json.loads(run(routes, "--json").stdout)
    assert listing["counts"] == {"legacy": 1, "native": 1, "native_available": 1}
    health = next(route for route in listing["routes"] if route["rule"] == "/health")
    assert (health["owner"], health["who"], health["why"]) == ("native", "ada", "equal for a week")

    assert "GET /health: native -> legacy" in run(rollback, "GET /health", "--why", "slow").output
    changes = json.loads(run(routes, "--history", "--json").stdout)["history"]
    assert [(change["from"], change["to"]) for change in changes] == [("native", "legacy"), ("legacy", "native")]
    assert "equal for a week" in run(routes, "--history").stdout


def test_who_defaults_to_the_login_name(run, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("LOGNAME", "grace")
    run(promote, "/health", "--why", "equal")
    assert ledger.history("spot")[0].who == "grace"


def test_a_pattern_says_what_it_left_alone(run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
    shown = run(promote, "POST /api/agents/*", "--why", "equal")
    assert "2 routes were changed." in shown.output
    assert "does not implement it:\n  POST /api/agents/<agent_id>/replicas" in shown.output


@pytest.mark.parametrize("command", [promote, rollback])
@pytest.mark.parametrize("patterns", [["GET /helth"], ["health"]])
def test_bad_patterns_are_refused(run, ledger: Ledger, command, patterns: list[str]) -> None:  # type: ignore[no-untyped-def]
    shown = run(command, *patterns, "--why", "x")
    assert shown.exit_code == 2
    assert shown.output.startswith("Error: ")
    assert len(shown.output.splitlines()) == 1


def test_a_route_that_native_lacks_is_refused(run, ledger: Ledger) -> None:  # type: ignore[no-untyped-def]
    shown = run(promote, "DELETE /api/admin/clients/<client_id>", "--why", "x")
    assert shown.exit_code == 2
    assert "is not implemented by the native side" in shown.output


def test_every_command_says_how_to_fill_an_empty_ledger(run) -> None:  # type: ignore[no-untyped-def]
    for command, arguments in ((promote, ["/x", "--why", "y"]), (rollback, ["/x", "--why", "y"]), (routes, [])):
        assert "--seed SOURCE" in run(command, *arguments).output


@pytest.mark.parametrize("command", [promote, rollback, routes])
def test_help_shows_an_example(command) -> None:  # type: ignore[no-untyped-def]
    assert f"cutover {command.name} " in CliRunner().invoke(command, ["--help"]).output


def test_a_bad_ledger_url_is_one_sentence(tmp_path: Path) -> None:
    shown = CliRunner().invoke(routes, ["--ledger", "nonsense"])
    assert (shown.exit_code, len(shown.output.splitlines())) == (2, 1)
