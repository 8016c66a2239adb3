"""A replay compares what both sides wrote: right answers with a wrong database are found, at table and column."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import cutover, replay
from tests.support.databases import execute
from tests.support.har import RecordingCaller
from tests.support.mariadb import MariaDB
from tests.support.stored_shop import create_app

SHOP = "tests.support.stored_shop:create_app"
ANOTHER_SHOP = """
import os
os.environ.update({environment!r})
from tests.support.stored_shop import create_app
"""
TABLES = {"customers", "order_lines", "orders", "receipts", "stock_moves"}


@pytest.fixture
def traffic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two customers order, and one of them cancels."""
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'recorded.sqlite3'}")
    call = RecordingCaller(create_app())
    ann, bob = ({"Authorization": f"ShopKey {call('POST', '/signup', {'name': name})['token']}"} for name in ("A", "B"))
    orders = [call("POST", "/orders", {"skus": ["tea", "cup"]}, ann) for _ in range(3)]
    call("POST", "/orders", {"skus": ["tea", "pot"]}, ann)
    call("POST", "/orders", {"skus": ["jam"]}, bob)
    call("POST", f"/orders/{orders[1]['ref']}/cancel", headers=ann)
    return call.write(tmp_path / "shop.har")


@pytest.fixture
def databases(tmp_path: Path) -> tuple[str, str]:
    return f"sqlite:///{tmp_path / 'control.sqlite3'}", f"sqlite:///{tmp_path / 'candidate.sqlite3'}"


def another_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """The import path of a shop that has ``environment`` for itself."""
    (tmp_path / "another_shop.py").write_text(ANOTHER_SHOP.format(environment=environment))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    return "another_shop:create_app"


def compared(tmp_path: Path, traffic: Path, candidate: str, databases: tuple[str, str], *more: str) -> dict[str, Any]:
    report = replay(
        tmp_path / "report",
        traffic,
        *("--control", SHOP, "--candidate", candidate, "--reset"),
        *("--control-db", databases[0], "--candidate-db", databases[1], *more),
    )
    assert report["summary"]["different"] == report["summary"]["errors"] == 0
    return report


def found(report: dict[str, Any]) -> Counter[tuple[str, str]]:
    return Counter((found["table"], found["place"]) for found in report["databases"]["differences"])


def test_a_second_shop_holds_the_same(tmp_path: Path, traffic: Path, databases: tuple[str, str]) -> None:
    report = compared(tmp_path, traffic, SHOP, databases)
    state = report["databases"]
    assert (state["compared"], state["equal"], state["found"]) == (1, True, 0)
    assert {table["table"] for table in state["tables"]} == TABLES
    assert sum(table["equal"] for table in state["tables"]) == 2 + 5 + 3 * 9
    assert report["noise"] == []
    assert "34 rows in 5 tables, no unexplained difference" in report["verdict"]["text"]


@pytest.mark.parametrize("first_number", ["1", "500"])
@pytest.mark.parametrize(
    ("fault", "differences"),
    [
        ("", {}),
        (
            "lost write",
            {(table, "missing row"): 3 for table in ("order_lines", "stock_moves", "receipts")},
        ),
        ("wrong value", {("order_lines", "price"): 3}),
        ("wrong row", {("customers", "spent"): 2}),
        (
            "written twice",
            {(table, "added row"): 3 for table in ("order_lines", "stock_moves", "receipts")},
        ),
        ("not committed", {("orders", "status"): 1}),
    ],
)
def test_a_fault_is_found_at_its_table_and_column_and_nowhere_else(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    traffic: Path,
    databases: tuple[str, str],
    fault: str,
    first_number: str,
    differences: dict[tuple[str, str], int],
) -> None:
    candidate = another_shop(tmp_path, monkeypatch, SHOP_FAULT=fault, SHOP_FIRST_NUMBER=first_number)
    assert found(compared(tmp_path, traffic, candidate, databases)) == differences


def test_on_two_products(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traffic: Path, databases: tuple[str, str], mariadb: MariaDB
) -> None:
    candidate = another_shop(tmp_path, monkeypatch, SHOP_FAULT="wrong value")
    report = compared(tmp_path, traffic, candidate, (databases[0], mariadb.create_database()))
    assert found(report) == {("order_lines", "price"): 3}


def test_what_control_does_not_agree_with_itself_about_is_noise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traffic: Path, databases: tuple[str, str]
) -> None:
    monkeypatch.setenv("SHOP_MOOD", "changing")
    report = compared(tmp_path, traffic, SHOP, databases)
    assert report["databases"]["equal"]
    assert [(noise["route"], noise["location"]) for noise in report["noise"]] == [("table customers", "mood")]
    customers = next(table for table in report["databases"]["tables"] if table["table"] == "customers")
    assert (customers["noise"], customers["different"]) == (2, 0)


def test_rules_accept_what_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traffic: Path, databases: tuple[str, str]
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\ntable = "order_lines"\ncolumn = "price"\ncandidate = 9.9\nrecording = "shop"\n'
        'change = "Cups cost less."\nreason = "A sale."\nowner = "shop"\nexpires = "permanent"\n'
    )
    candidate = another_shop(tmp_path, monkeypatch, SHOP_FAULT="wrong value")
    report = compared(tmp_path, traffic, candidate, databases, "--rules", str(rules))
    (accepted,) = report["databases"]["accepted"]
    assert (accepted["count"], accepted["tables"], accepted["rule"]["table"]) == (3, ["order_lines"], "order_lines")
    assert [rule["used"] for rule in report["rules"]] == [3]


def test_it_can_be_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traffic: Path, databases: tuple[str, str]
) -> None:
    candidate = another_shop(tmp_path, monkeypatch, SHOP_FAULT="wrong value")
    report = compared(tmp_path, traffic, candidate, databases, "--no-state")
    assert (report["databases"]["compared"], report["verdict"]["parity"]) == (0, True)


def test_one_database_of_both_sides_needs_no_comparison(
    tmp_path: Path, traffic: Path, databases: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", databases[0])
    create_app()
    done = cutover(
        *("replay", traffic, "--control", SHOP, "--candidate", SHOP, "--noise-runs", "0"),
        *("--control-db", databases[0], "--candidate-db", databases[0]),
    )
    assert "The databases were not compared: both sides work on one database." in done.output


def test_a_database_that_can_not_be_read_is_no_parity(
    tmp_path: Path, traffic: Path, databases: tuple[str, str], mariadb: MariaDB
) -> None:
    """Candidate keeps its rows elsewhere than the user says."""
    execute(databases[0], "CREATE TABLE t (x INTEGER)")
    report = replay(
        tmp_path / "report",
        traffic,
        *("--control", "tests.support.shop:create_app()", "--candidate", "tests.support.shop:create_app()"),
        *("--control-db", databases[0], "--candidate-db", f"mysql://root@127.0.0.1:{mariadb.port}/nowhere"),
        *("--noise-runs", "0"),
    )
    assert "nowhere" in report["databases"]["errors"][0]
    assert report["verdict"]["text"].endswith("The databases could not be compared.") or (
        "the databases could not be compared" in report["verdict"]["text"]
    )
    assert not report["verdict"]["parity"]


def test_secrets_stay_out_of_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, traffic: Path, databases: tuple[str, str]
) -> None:
    candidate = another_shop(tmp_path, monkeypatch, SHOP_FAULT="leaked token")
    directory = tmp_path / "report"
    done = cutover(
        *("replay", traffic, "--control", SHOP, "--candidate", candidate, "--reset", "--report", directory),
        *("--control-db", databases[0], "--candidate-db", databases[1]),
    )
    report = json.loads((directory / "report.json").read_text())
    assert ("customers", "api_token") in found(report)
    for text in (done.output, *(path.read_text() for path in directory.iterdir())):
        assert re.search(r"k\.[\w-]+\.[\w-]+", text) is None
        assert "in-clear" not in text
