"""What PostgreSQL is told, and what it says, in the words of the other databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update

from backend.core.database_errors import DEADLOCK, StatementRefusedError
from backend.spot.models import Agent, Client, db
from tests.backend.conftest import Spot
from tests.backend.test_backend_reports import PRICING, changed

CLIENTS, AGENTS = Client.__table__, Agent.__table__


@pytest.fixture
def engine(spot_on_postgres: Spot) -> Iterator[Engine]:
    with spot_on_postgres.app.app_context():
        yield db.engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def client(number: int, **others: object) -> dict[str, object]:
    return {"id": f"c-{number}", "name": "n", "email": f"e-{number}", "client_token": f"t-{number}"} | others


def refusal(connection: Connection, statement: object, values: object = None) -> str:
    with pytest.raises(StatementRefusedError) as refused:
        connection.execute(statement, values)  # type: ignore[call-overload]
    connection.rollback()
    return str(refused.value)


class TestRefusals:
    def test_duplicates_name_the_key_as_mysql_does(self, connection: Connection) -> None:
        connection.execute(insert(CLIENTS), client(1))
        connection.commit()
        assert refusal(connection, insert(CLIENTS), client(2, email="E-1")) == (
            "1062 (23000): Duplicate entry 'E-1' for key 'email'"
        )
        assert refusal(connection, insert(CLIENTS), client(2, id="c-1")) == (
            "1062 (23000): Duplicate entry 'c-1' for key 'PRIMARY'"
        )
        agent = {"client_id": "c-1", "logical_agent_id": "a"}
        connection.execute(insert(AGENTS), {"id": "1", **agent})
        assert refusal(connection, insert(AGENTS), {"id": "2", **agent}) == (
            "1062 (23000): Duplicate entry 'c-1-a' for key 'uk_client_logical'"
        )

    def test_foreign_keys(self, connection: Connection) -> None:
        words = refusal(connection, insert(AGENTS), {"id": "a", "client_id": "nobody", "logical_agent_id": "a"})
        assert words == (
            "1452 (23000): Cannot add or update a child row: a foreign key constraint fails (`main`.`agents`,"
            " CONSTRAINT `fk_agents_client` FOREIGN KEY (`client_id`) REFERENCES `clients` (`id`) ON DELETE CASCADE)"
        )
        connection.execute(text("ALTER TABLE agents DROP CONSTRAINT fk_agents_client"))
        connection.execute(
            text("ALTER TABLE agents ADD CONSTRAINT fk_agents_client FOREIGN KEY (client_id) REFERENCES clients")
        )
        words = refusal(connection, delete(CLIENTS))
        assert words.startswith("1451 (23000): Cannot delete or update a parent row: a foreign key constraint fails (")

    @pytest.mark.parametrize(
        ("statement", "words"),
        [
            (
                "INSERT INTO clients (id, email, client_token) VALUES ('x', 'x', 'x')",
                "1048 (23000): Column 'name' cannot",
            ),
            ("UPDATE agents SET enabled = 100000", "1264 (22003): Out of range value for column"),
            ("UPDATE agents SET spot_price = 12345678", "1264 (22003): Out of range value for column"),
            ("UPDATE agents SET enabled = 1 / (enabled - enabled)", "1365 (22012): Division by 0"),
            ("UPDATE agents SET enabled = 'x'", '1366 (22007): invalid input syntax for type smallint: "x"'),
            ("UPDATE agents SET last_heartbeat_at = 'x'", "1292 (22007): invalid input syntax for type timestamp"),
            ("UPDATE agents SET last_heartbeat_at = '2026-13-01'", "1292 (22007): date/time field value out of range"),
            ("SELECT nothing FROM agents", '1054 (42S22): column "nothing" does not exist'),
            ("SELECT 1 FROM nowhere", '1146 (42S02): relation "nowhere" does not exist'),
            ("SELECT FROM WHERE", '1064 (42000): syntax error at or near "WHERE"'),
            ("SELECT pg_sleep('x', 1)", "1105 (HY000): function pg_sleep("),
            ("SET statement_timeout = 1; SELECT pg_sleep(10)", "1205 (HY000): Lock wait timeout exceeded"),
            (
                "INSERT INTO cleanup_logs (cleanup_type) VALUES ('other')",
                "4025 (23000): CONSTRAINT `cleanup_logs_cleanup_type` failed",
            ),
        ],
    )
    def test_by_state(self, connection: Connection, statement: str, words: str) -> None:
        assert refusal(connection, text(statement)).startswith(words)

    def test_a_lock_is_not_waited_for_without_end(self, engine: Engine, connection: Connection) -> None:
        connection.execute(select(CLIENTS.c.id).with_for_update())
        with engine.connect() as other:
            other.execute(text("SET lock_timeout = '50ms'"))
            words = refusal(other, update(CLIENTS).values(name="m"))
        assert words == "1205 (HY000): Lock wait timeout exceeded; try restarting transaction"

    def test_the_loser_of_a_deadlock_is_told_so(self, engine: Engine, connection: Connection) -> None:
        connection.execute(insert(CLIENTS), [client(1), client(2)])
        connection.commit()
        both_hold_one = threading.Barrier(2, timeout=30)
        told: list[int] = []

        def take(first: str, second: str) -> None:
            with engine.connect() as mine:
                mine.execute(update(CLIENTS).where(CLIENTS.c.id == first).values(name="m"))
                both_hold_one.wait()
                try:
                    mine.execute(update(CLIENTS).where(CLIENTS.c.id == second).values(name="m"))
                except StatementRefusedError as refused:
                    told.append(refused.errno)

        threads = [threading.Thread(target=take, args=order) for order in (("c-1", "c-2"), ("c-2", "c-1"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert told == [DEADLOCK]


class TestStatements:
    def test_nulls_are_the_smallest_values(self, connection: Connection) -> None:
        for name, moment in (("a", None), ("b", "2026-01-01 00:00:00"), ("c", "2026-01-02 00:00:00")):
            connection.execute(insert(CLIENTS), client(1, id=name, email=name, client_token=name, last_sync_at=moment))
        synced, mine = CLIENTS.c.last_sync_at, CLIENTS.c.name == "n"
        for order, expected in ((synced, "abc"), (synced.asc(), "abc"), (synced.desc(), "cba")):
            assert "".join(connection.scalars(select(CLIENTS.c.id).where(mine).order_by(order))) == expected
        labelled = select(synced.label("moment"), CLIENTS.c.id).where(mine)
        assert [row.id for row in connection.execute(labelled.order_by(labelled.selected_columns.moment))] == [*"abc"]
        numbered = select(CLIENTS.c.id, func.row_number().over(order_by=synced.desc()).label("n")).where(mine)
        assert dict(connection.execute(numbered).all()) == {"c": 1, "b": 2, "a": 3}

    def test_now_is_a_whole_second_of_utc(self, connection: Connection) -> None:
        connection.execute(text("SET timezone = 'Asia/Tokyo'"))
        now, utc = connection.execute(select(func.now(), text("statement_timestamp() AT TIME ZONE 'UTC'"))).one()
        assert now == utc.replace(microsecond=0)

    def test_texts_are_compared_as_on_mysql(self, connection: Connection) -> None:
        connection.execute(insert(CLIENTS), client(1, name="Café  "))
        name = CLIENTS.c.name
        for alike in ("café", "CAFE", "Café   "):
            assert connection.scalar(select(CLIENTS.c.id).where(name == alike)) == "c-1", alike
            assert connection.scalar(select(CLIENTS.c.id).where(name.in_([alike, "x"]))) == "c-1", alike
        assert connection.scalar(select(name).where(CLIENTS.c.id == "C-1")) == "Café  "
        assert connection.scalar(select(CLIENTS.c.id).where(name == "cafe\0")) is None
        assert connection.scalar(select(CLIENTS.c.id).where(name == 5)) is None

    def test_patterns_know_no_case(self, connection: Connection) -> None:
        connection.execute(insert(CLIENTS), client(1, name="Größe_1%"))
        name = CLIENTS.c.name
        for found in (name.like("GRÖ%"), name.contains("ÖSS") | name.contains("ÖßE"), name.like("%\\_1\\%")):
            assert connection.scalar(select(CLIENTS.c.id).where(found)) == "c-1"
        assert connection.scalar(select(CLIENTS.c.id).where(name.like("größe\\_2%"))) is None
        assert connection.scalar(select(CLIENTS.c.id).where(CLIENTS.c.id == "c-1", name.not_like("GRÖ%"))) is None

    def test_numbers_are_read_from_texts_as_mysql_does(self, connection: Connection) -> None:
        connection.execute(insert(CLIENTS), client(1, total_savings="12.5"))
        total, mine = CLIENTS.c.total_savings, select(CLIENTS.c.id).where(CLIENTS.c.id == "c-1")
        for matching in (total == "12.50x", total == 12.5, total > "x", CLIENTS.c.is_active == True):  # noqa: E712
            assert connection.scalar(mine.where(matching)) == "c-1", matching
        rounded = select(func.round(total + 0.123456, 4)).where(CLIENTS.c.id == "c-1")
        assert connection.scalar(rounded) == Decimal("12.6235")


class TestRequests:
    def test_what_may_be_lost_does_not_take_the_rest_along(self, spot_on_postgres: Spot) -> None:
        spot = spot_on_postgres
        spot.sql("DROP TABLE system_events")
        spot.sql("DROP TABLE notifications")
        assert spot.register(logical_agent_id="another").status_code == 200
        assert spot.sql("SELECT COUNT(*) AS n FROM agents") == [{"n": 2}]

    def test_a_report_with_a_bad_pool_leaves_nothing(self, spot_on_postgres: Spot) -> None:
        spot = spot_on_postgres
        report = changed(PRICING, "pricing", on_demand_price="x")
        assert spot.post("pricing-report", report).status_code == 500
        assert spot.sql("SELECT COUNT(*) AS n FROM pricing_reports") == [{"n": 0}]

    def test_a_character_that_postgres_cannot_hold_is_refused(self, spot_on_postgres: Spot) -> None:
        spot = spot_on_postgres
        assert spot.get("config", "no\0body").status_code == 404
        answer = spot.register(logical_agent_id="a\0b")
        assert answer.status_code == 500
        assert "1366" in answer.json["error"]
        assert spot.sql("SELECT COUNT(*) AS n FROM agents") == [{"n": 1}]
