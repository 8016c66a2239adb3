"""Statements that are sent together: each answered by itself, all of them kept or none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymysql import MySQLError
from pymysql.constants import CR
from sqlalchemy import bindparam, column, func, literal, select, table, text

from backend.core.database import run_and_commit
from backend.core.database_errors import StatementRefusedError
from backend.core.mysql_connection import FrugalConnection
from backend.core.prepared import Prepared
from backend.core.rows import insert_row, insert_row_if_possible, insert_rows, update_matching, update_matching_now
from backend.core.session import Session
from backend.spot.models import Client, Notification, SystemEvent, db
from tests.backend.conftest import Spot, spot_on
from tests.backend.statements import statements_on
from tests.support.mariadb import MariaDB

NAME = Prepared(select(Client.name).where(Client.id == bindparam("client_id")))
OF_CLIENTS = Prepared(select(Client.id).where(Client.id.in_(bindparam("ids", expanding=True))).order_by(Client.id))
NOTHING = Prepared(select(column("x")).select_from(table("no_such_table")))
SLEEP = Prepared(select(func.sleep(30)))
Do = Callable[[Callable[[Session], Any]], Any]


@pytest.fixture(scope="module")
def system(mariadb: MariaDB) -> Spot:
    """One system for all: making one takes longer than all that is done with it here."""
    return spot_on(mariadb)


@pytest.fixture
def spot(system: Spot) -> Spot:
    """The system with one client called `client`, and nobody told anything."""
    system.sql("DELETE FROM notifications")
    system.sql("UPDATE clients SET name = 'client'")
    return system


@pytest.fixture
def do(spot: Spot) -> Iterator[Do]:
    """Do something in one transaction, as a request does."""
    with spot.app.app_context():
        yield lambda work: run_and_commit(db.session(), lambda: work(db.session()))


def rename(session: Session, name: Any) -> None:
    update_matching(session, Client, {"id": "client-1"}, name=name)


def notify(session: Session, key: str) -> None:
    insert_row(session, Notification, id=key, client_id="client-1", message="m", severity="info")


def names(spot: Spot) -> list[str]:
    return [row["name"] for row in spot.sql("SELECT name FROM clients")]


def test_what_is_written_last_goes_with_the_commit(mariadb: MariaDB, do: Do) -> None:
    def work(session: Session) -> None:
        rename(session, "a")
        notify(session, "n")

    with statements_on(mariadb) as executed:
        do(work)
    assert [statement.split()[0] for statement in executed] == ["BEGIN", "UPDATE", "INSERT", "COMMIT"]


def test_one_statement_is_a_transaction_by_itself(mariadb: MariaDB, spot: Spot, do: Do) -> None:
    with statements_on(mariadb) as executed:
        do(lambda session: rename(session, "a"))
    assert [statement.split()[0] for statement in executed] == ["UPDATE"]
    assert names(spot) == ["a"]


def test_what_was_written_is_seen_by_what_is_asked_next(do: Do) -> None:
    def work(session: Session) -> Any:
        rename(session, "a")
        seen = session.execute(NAME, {"client_id": "client-1"}).scalar()
        rename(session, "b")
        return seen, session.dicts(NAME, {"client_id": "client-1"}), session.execute(text("SELECT 1")).scalar()

    assert do(work) == ("a", [{"name": "b"}], 1)


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_one_that_fails_undoes_them_all(spot: Spot, do: Do, failing: int) -> None:
    def work(session: Session) -> None:
        for number in range(3):
            notify(session, "twice" if number == failing else str(number))

    spot.sql("INSERT INTO notifications (id, client_id, message) VALUES ('twice', 'client-1', 'm')")
    with pytest.raises(StatementRefusedError) as refusal:
        do(work)
    assert str(refusal.value) == "1062 (23000): Duplicate entry 'twice' for key 'PRIMARY'"
    assert spot.one("SELECT COUNT(*) AS n FROM notifications WHERE id <> 'twice'")["n"] == 0
    do(lambda session: notify(session, "after"))
    assert spot.one("SELECT COUNT(*) AS n FROM notifications WHERE id = 'after'")["n"] == 1


@pytest.mark.parametrize("number", [1, 3])
def test_one_that_may_be_lost_is_told_of_and_the_others_are_kept(spot: Spot, do: Do, number: int) -> None:
    lost: list[str] = []

    def work(session: Session) -> None:
        for _ in range(number):
            insert_row_if_possible(
                session, SystemEvent, lost.append, event_type="x", severity="info", client_id="nobody", message="m"
            )
            insert_row_if_possible(session, SystemEvent, lost.append, event_type="x", severity="info", message={})
        rename(session, "kept")

    do(work)
    assert names(spot) == ["kept"]
    assert len(lost) == 2 * number
    assert sum(reason.startswith("1452 (23000)") for reason in lost) == number


@pytest.mark.parametrize(
    "name", ["'; DROP TABLE clients; -- ", "\\'; COMMIT; --", "%s %(name)s %%", "a;b", "Ж\u0000\n\x1a\"'", "\\"]
)
def test_values_are_only_values(spot: Spot, do: Do, name: str) -> None:
    do(lambda session: (rename(session, name), notify(session, "n")))
    assert names(spot) == [name]


def test_many_rows_and_lists(spot: Spot, do: Do) -> None:
    keys = [f"{number:05d}-%s;'" for number in range(1203)]

    def work(session: Session) -> Any:
        rows = [{"id": key, "client_id": "client-1", "message": "VALUES (", "severity": "info"} for key in keys]
        insert_rows(session, Notification, rows)
        return session.execute(OF_CLIENTS, {"ids": ["client-1", "o'hara"]}).all()

    assert do(work) == [("client-1",)]
    assert spot.one("SELECT COUNT(*) AS n FROM notifications WHERE message = 'VALUES ('")["n"] == 1203


def test_what_several_rows_share_is_theirs_and_what_they_do_not_is_not(spot: Spot, do: Do) -> None:
    texts = ["a", "a", None, "b", None, "a"]
    rows = [
        {"id": str(number), "client_id": "client-1", "message": "m", "severity": severity}
        for number, severity in enumerate(texts)
    ]
    do(lambda session: insert_rows(session, Notification, rows))
    kept = spot.sql("SELECT severity, message FROM notifications ORDER BY id")
    assert [row["severity"] for row in kept] == texts
    assert {row["message"] for row in kept} == {"m"}


def test_how_many_rows_an_update_is_about(do: Do) -> None:
    def work(session: Session) -> list[int]:
        return [
            update_matching_now(session, Client, {"id": key}, lasting, name=name)
            for key, lasting, name in (
                ("client-1", (), "a"),
                ("client-1", (), "a"),
                ("nobody", (), "a"),
                ("client-1", (("name", "a"),), "b"),
            )
        ]

    assert do(work) == [1, 1, 0, 1]
    assert do(lambda session: session.scalars(NAME, {"client_id": "client-1"}).all()) == ["a"]


def test_each_of_several_questions_survives_the_others(do: Do) -> None:
    name, one = (NAME, {"client_id": "client-1"}), (Prepared(select(literal(1).label("n"))), {})
    broken = Prepared(select(column("nothing")).select_from(table("nowhere"))), {}
    found = do(lambda session: session.dicts_of_each(name, broken, one, broken, name))
    assert (found[0], found[2], found[4]) == ([{"name": "client"}], [{"n": 1}], [{"name": "client"}])
    assert [str(found[place]).split(" ")[0] for place in (1, 3)] == ["1146", "1146"]


def test_a_lost_connection_loses_all_of_it_and_is_not_used_again(spot: Spot, do: Do) -> None:
    def work(session: Session) -> None:
        number = session.execute(text("SELECT CONNECTION_ID()")).scalar()
        session.write(
            Prepared(text("INSERT INTO notifications (id, client_id, message) VALUES ('n', 'client-1', 'm')")), {}
        )
        session.flush()
        spot.sql(f"KILL {number}")
        rename(session, "lost")

    with pytest.raises(StatementRefusedError, match=r"^20(06|13) "):
        do(work)
    assert spot.one("SELECT COUNT(*) AS n FROM notifications WHERE id = 'n'")["n"] == 0
    do(lambda session: rename(session, "found"))
    assert names(spot) == ["found"]


@pytest.mark.parametrize("ask", [FrugalConnection.query, lambda connection, sql: connection.send([sql])[1]])
def test_an_answer_that_comes_too_late_is_nobodys(mariadb: MariaDB, ask: Callable[[Any, bytes], Any]) -> None:
    connection = FrugalConnection(host="127.0.0.1", port=mariadb.port, user="root", read_timeout=1)
    try:
        complaint = ask(connection, b"SELECT SLEEP(3)")
    except MySQLError as error:
        complaint = error
    assert complaint.args[0] == CR.CR_SERVER_LOST
    assert not connection.open


class TestAskedAhead:
    def test_each_is_answered_whatever_is_sent_in_between(self, spot: Spot, do: Do) -> None:
        def work(session: Session) -> Any:
            first = session.ask_ahead(NAME, {"client_id": "client-1"})
            second = session.ask_ahead(NAME, {"client_id": "nobody"})
            rename(session, "b")
            third = session.ask_ahead(NAME, {"client_id": "client-1"})
            now = session.execute(text("SELECT 7")).scalar()
            return [asked() for asked in (third, first, second, first)], now

        assert do(work) == ([[("b",)], [("client",)], [], [("client",)]], 7)
        assert names(spot) == ["b"]

    def test_what_is_written_behind_it_is_still_a_transaction_by_itself(self, mariadb: MariaDB, do: Do) -> None:
        def work(session: Session) -> Any:
            asked = session.ask_ahead(NAME, {"client_id": "client-1"})
            rename(session, "a")
            return asked()

        with statements_on(mariadb) as executed:
            assert do(work) == [("client",)]
        assert [statement.split()[0] for statement in executed] == ["SELECT", "UPDATE"]

    def test_what_is_wrong_with_it_is_told_to_whoever_wants_the_answer(self, spot: Spot, do: Do) -> None:
        def work(session: Session) -> None:
            asked = session.ask_ahead(NOTHING, {})
            assert update_matching_now(session, Client, {"id": "client-1"}, name="b") == 1
            asked()

        with pytest.raises(StatementRefusedError, match="1146"):
            do(work)
        assert names(spot) == ["client"]

    def test_nobody_has_to_want_it(self, spot: Spot, do: Do) -> None:
        for wrong in (NAME, NOTHING):
            do(lambda session, wrong=wrong: session.ask_ahead(wrong, {"client_id": "client-1"}) and None)
            assert do(lambda session: session.execute(text("SELECT 7")).scalar()) == 7

    def test_a_connection_that_is_lost_meanwhile_is_not_used_again(self, spot: Spot, do: Do) -> None:
        def work(session: Session) -> Any:
            (number,) = session.execute(text("SELECT CONNECTION_ID()")).one()
            asked = session.ask_ahead(SLEEP, {})
            spot.sql(f"KILL {number}")
            return asked()

        with pytest.raises(Exception, match=r"^(2013|1927) "):
            do(work)
        assert do(lambda session: session.execute(text("SELECT 7")).scalar()) == 7


def test_whoever_has_only_read_keeps_no_table_from_being_altered(spot: Spot) -> None:
    assert spot.http.get("/api/admin/clients").status_code == 200
    assert spot.get("config").status_code == 200
    spot.sql("SET STATEMENT lock_wait_timeout = 1 FOR ALTER TABLE clients COMMENT 'altered'")
