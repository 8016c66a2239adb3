"""``cutover compare-databases``, as a migration engineer uses it."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from migration.cli.compare_databases import compare_databases
from tests.support.databases import Bench
from tests.support.mariadb import MariaDB

PRICES = (
    "CREATE TABLE prices (id INTEGER PRIMARY KEY, pool VARCHAR(20), price DECIMAL(10,6), seen_at TIMESTAMP)",
    "INSERT INTO prices (pool, price, seen_at) VALUES ('a', 0.01, '2026-11-21 08:00:00'), "
    "('a', 0.01, '2026-11-21 08:00:10'), ('b', 0.02, '2026-11-21 08:00:00')",
    "CREATE TABLE tokens (name VARCHAR(20) PRIMARY KEY, api_token VARCHAR(40))",
    "INSERT INTO tokens VALUES ('ann', 'geheim-geheim')",
)


@pytest.fixture
def prices(bench: Bench) -> Bench:
    """Two copies of one database, before a job has run."""
    bench.both(*PRICES)
    return bench


def run(bench: Bench, *arguments: str) -> Result:
    return CliRunner().invoke(compare_databases, [bench.control, bench.candidate, *arguments])


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.chdir(tmp_path)
    return Bench(tmp_path)


def test_a_job_that_did_the_same_on_both_sides(prices: Bench) -> None:
    """Each side made its own identifiers, a few seconds apart."""
    prices.both("CREATE TABLE summaries (id CHAR(36) PRIMARY KEY, pool VARCHAR(20), n INTEGER, made_at TIMESTAMP)")
    for side, second in ((prices.on_control, 0), (prices.on_candidate, 3)):
        side(
            "DELETE FROM prices WHERE seen_at = '2026-11-21 08:00:10'",
            f"INSERT INTO summaries VALUES ('{uuid4()}', 'a', 2, '2026-11-21 09:00:0{second}')",
        )
    done = run(prices)
    assert (done.exit_code, done.output.strip()) == (0, "Databases: 4 rows in 3 tables, no unexplained difference.")
    assert run(prices, "--time-tolerance", "1").exit_code == 1


def test_a_job_that_did_something_else(prices: Bench) -> None:
    prices.on_control("DELETE FROM prices WHERE seen_at = '2026-11-21 08:00:10'")
    prices.on_candidate("DELETE FROM prices WHERE pool = 'b'", "UPDATE tokens SET api_token = 'other-other'")
    done = run(prices)
    assert done.exit_code == 1
    assert "1x tokens.api_token (value)" in done.output
    assert "geheim" not in done.output
    assert "differences in 2 tables." in done.output


def test_as_json(prices: Bench) -> None:
    prices.on_candidate("UPDATE prices SET price = 0.03 WHERE pool = 'b'")
    done = run(prices, "--json", "--table", "PRI*")
    shown = json.loads(done.output)
    assert done.exit_code == 1
    assert [table["table"] for table in shown["tables"]] == ["prices"]
    (found,) = shown["differences"]
    assert (found["place"], found["control"], found["candidate"], found["key"]) == ("price", 0.02, 0.03, {"id": 3})


def test_rules_nearby_are_read(prices: Bench, tmp_path: Path) -> None:
    prices.on_candidate("UPDATE prices SET price = 0.03 WHERE pool = 'b'")
    (tmp_path / "accepted.toml").write_text(
        '[[rule]]\ntable = "prices"\ncolumn = "price"\nchange = "c"\nreason = "r"\nowner = "o"\nexpires = "permanent"\n'
    )
    assert run(prices).exit_code == 0
    assert run(prices, "--no-rules").exit_code == 1


def test_two_products(prices: Bench, tmp_path: Path, mariadb: MariaDB) -> None:
    other = Bench(tmp_path, prices.control, mariadb.create_database())
    other.on_candidate(PRICES[0].replace("INTEGER PRIMARY KEY", "BIGINT AUTO_INCREMENT PRIMARY KEY"), *PRICES[1:])
    assert run(other).exit_code == 0


@pytest.mark.parametrize(
    ("candidate", "words"),
    [
        ("sqlite:///nowhere.sqlite3", "there is no such file"),
        ("mysql://root:geheim@127.0.0.1:9/shop", "Can't connect"),
        ("nonsense", "is not a database URL"),
    ],
)
def test_what_can_not_be_compared_is_refused(prices: Bench, tmp_path: Path, candidate: str, words: str) -> None:
    done = run(Bench(tmp_path, prices.control, candidate))
    assert done.exit_code == 2
    assert words in done.output
    assert "geheim" not in done.output
    assert len(done.output.splitlines()) == 1


def test_no_table_at_all(prices: Bench) -> None:
    assert "There is no table to compare." in run(prices, "--table", "no_such").output


def test_help_shows_examples() -> None:
    assert CliRunner().invoke(compare_databases, ["--help"]).output.count("cutover compare-databases ") == 3
