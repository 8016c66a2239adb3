"""What is read of prices and of the hours they are added up by, on databases of all kinds."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from backend import create_app
from legacy.spot_db import Database as Monolith
from tests.backend.conftest import Spot, server_runner, settings_for, spot_on
from tests.backend.hourly_prices import POOLS, prices_on
from tests.backend.looking_back import now
from tests.backend.statements import statements_on
from tests.support.jobs import run_job
from tests.support.mariadb import MariaDB


@pytest.fixture
def on_mariadb(mariadb: MariaDB) -> Spot:
    return spot_on(mariadb).told(PRICE_ROLLUP_DELAY="0")


def test_prices_of_no_pool_keep_nothing_from_being_rolled_up(on_mariadb: Spot) -> None:
    """Adopted databases may have some."""
    on_mariadb.sql(
        "SET STATEMENT foreign_key_checks = 0 FOR INSERT INTO spot_price_snapshots (pool_id, price) VALUES ('gone', 1)"
    )
    for _ in range(2):
        counts = run_job(on_mariadb.app, "price-rollup").counts
    assert counts == {"prices": 1, "forgotten_hours": 0}


def test_few_rows_are_read_on_mariadb(mariadb: MariaDB, on_mariadb: Spot) -> None:
    fill_a_week(on_mariadb)
    before = told_by(on_mariadb)
    for _ in range(2):
        run_job(on_mariadb.app, "price-rollup")
    assert told_by(on_mariadb) == before
    on_mariadb.sql(f"INSERT INTO spot_price_snapshots (pool_id, price) VALUES ('{POOLS[0]}', 1)")
    url = on_mariadb.app.extensions["settings"].database_url.render_as_string(hide_password=False)
    with statements_on(mariadb) as asked:
        for path in ("client/instances/i-1/price-history?days=6", "client/pricing-history?days=6"):
            assert on_mariadb.http.get(f"/api/{path}", headers=on_mariadb.headers).status_code == 200
    statements = [statement for statement in asked if "spot_price_hours" in statement and statement[:6] == "SELECT"]
    assert len(statements) == 2
    with mariadb.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute("FLUSH STATUS")
            cursor.execute(statement)
            cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
            read = sum(int(count) for name, count in cursor.fetchall() if name != "Handler_read_rnd_deleted")
            cursor.execute(f"EXPLAIN {statement}")
            steps = [(table, key) for _, _, table, _, _, key, *_ in cursor.fetchall() if table and "<" not in table]
            assert all(key for _, key in steps), steps
            assert read < 3000


def told_by(spot: Spot) -> list[Any]:
    """Both histories without their first hour, in which the period begins, second by second."""
    of_instance = spot.http.get("/api/client/instances/i-1/price-history?days=6").json
    of_agent = spot.http.get("/api/client/pricing-history?days=6", headers=spot.headers).json
    assert len(of_instance["data"]) == len(of_agent["history"]) == 145
    return [of_instance["data"][1:], of_agent["history"][1:]]


def fill_a_week(spot: Spot) -> None:
    """Thirty thousand prices of each of two pools, evenly over a week."""
    for pool_id in POOLS:
        spot.sql(
            "INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, 't3.medium', 'us-east-1', ?)",
            *(pool_id, pool_id[-1]),
        )
        spot.sql(
            "INSERT INTO spot_price_snapshots (pool_id, price, captured_at)"
            f" SELECT '{pool_id}', 0.01, NOW() - INTERVAL seq * 20 SECOND FROM seq_1_to_30000"
        )
    spot.sql("ANALYZE TABLE spot_price_snapshots")


def test_an_adopted_database_may_have_other_collations_and_finer_prices(mariadb: MariaDB) -> None:
    url = mariadb.create_database()
    with closing(Monolith(url)) as made:
        made.create_schema()
    sql = server_runner(mariadb, url)
    for key in sql(
        "SELECT table_name AS name, constraint_name AS reference FROM information_schema.referential_constraints"
        " WHERE constraint_schema = DATABASE() AND referenced_table_name = 'spot_pools'"
    ):
        sql(f"ALTER TABLE {key['name']} DROP FOREIGN KEY {key['reference']}")
    for change in (
        "spot_pools MODIFY id VARCHAR(190) COLLATE utf8mb4_general_ci NOT NULL",
        "spot_price_snapshots MODIFY pool_id VARCHAR(190) COLLATE utf8mb4_general_ci NOT NULL",
        "spot_price_snapshots MODIFY price DECIMAL(12,8) NOT NULL",
        "spot_price_snapshots ADD FOREIGN KEY (pool_id) REFERENCES spot_pools (id) ON DELETE CASCADE",
    ):
        sql(f"ALTER TABLE {change}")
    prices = prices_on(mariadb, url)
    prices.empty()
    prices.sql(f"INSERT INTO spot_price_snapshots (pool_id, price) VALUES ('{POOLS[0]}', 0.00001234)")
    prices.roll_up(passes=2)
    assert [str(row["total"]) for row in prices.sql("SELECT total FROM spot_price_hours")] == ["0.00001234"]
    prices.assert_exact()


@pytest.mark.parametrize("system", ["on_mariadb", "spot"])
def test_prices_of_a_pool_in_other_letters_are_its_own(system: str, request: pytest.FixtureRequest) -> None:
    spot: Spot = request.getfixturevalue(system)
    pool = POOLS[0]
    spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, 't3.medium', 'us-east-1', 'a')", pool)
    spot.sql("UPDATE instances SET instance_type = 't3.medium', region = 'us-east-1'")
    at = now().replace(minute=30, second=0)
    spot.sql("INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (?, 0.1, ?)", pool, at)
    quick = spot.told(PRICE_ROLLUP_DELAY="0")
    for _ in range(2):
        run_job(quick.app, "price-rollup")
    spot.sql("INSERT INTO spot_price_snapshots (pool_id, price, captured_at) VALUES (?, 0.3, ?)", pool.upper(), at)
    (point,) = spot.http.get("/api/client/instances/i-1/price-history?interval=hour").json["data"]
    assert point[f"pool_{pool}"] == 0.2


def test_sqlite_has_no_hours(spot: Spot) -> None:
    spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3.medium', 'us-east-1', 'a')")
    spot.sql("INSERT INTO spot_price_snapshots (pool_id, price) VALUES ('p', 0.1)")
    quick = spot.told(PRICE_ROLLUP_DELAY="0")
    for _ in range(2):
        assert run_job(quick.app, "price-rollup").counts == {"prices": 0, "forgotten_hours": 0}
    assert spot.sql("SELECT * FROM spot_price_hours") == []


def test_a_delay_that_makes_no_sense_stops_the_start() -> None:
    with pytest.raises(ValueError, match="PRICE_ROLLUP_DELAY must be a whole number from 0 to 86400"):
        create_app("spot", settings_for("sqlite:///nowhere.sqlite3", AUTO_MIGRATE="false", PRICE_ROLLUP_DELAY="soon"))


def test_there_is_nothing_to_start_over_with_on_sqlite(spot: Spot) -> None:
    done = spot.app.test_cli_runner().invoke(args=["spot", "prices", "start-over"])
    assert (done.exit_code, "SQLite has no hours" in done.output) == (1, True)


@pytest.mark.parametrize("command", [("tokens", "hash"), ("prices", "start-over")], ids=" ".join)
def test_commands_show_an_example(spot: Spot, command: tuple[str, str]) -> None:
    shown = spot.app.test_cli_runner().invoke(args=["spot", *command, "--help"])
    assert f"flask --app backend spot {' '.join(command)}" in shown.output
