"""Rows that are written behind the answers: all of them, whatever the database does meanwhile."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from backend.core import rows_behind
from backend.core.rows_behind import MOST_AT_ONCE, Row, RowsBehind
from tests.support.waiting import eventually

WAIT = 15.0


class Table:
    """Takes rows as a database does: while it is ``away`` it refuses, and while it is not ``open`` it keeps waiting."""

    def __init__(self) -> None:
        self.batches: list[list[Row]] = []
        self.away = False
        self.refusals = 0
        self.open = threading.Event()
        self.open.set()

    def write(self, rows: Sequence[Row]) -> None:
        assert self.open.wait(WAIT)
        if self.away:
            self.refusals += 1
            raise ConnectionError("the database is away")
        self.batches.append(list(rows))

    @property
    def rows(self) -> list[Row]:
        return [row for batch in self.batches for row in batch]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_behind, "RETRY_SECONDS", 0.05)


@pytest.fixture
def complaints() -> Iterator[list[logging.LogRecord]]:
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logger = logging.getLogger("backend.rows_behind")
    logger.addHandler(handler)
    yield seen
    logger.removeHandler(handler)


def behind(write: Callable[[Sequence[Row]], None]) -> RowsBehind:
    return RowsBehind("toy", "toys", write)


def numbered(count: int) -> list[Row]:
    return [{"id": number} for number in range(count)]


def test_what_comes_together_is_written_together_and_in_order() -> None:
    table = Table()
    table.open.clear()
    rows = behind(table.write)
    for row in numbered(MOST_AT_ONCE + 10):
        assert rows.take(row)
    table.open.set()
    eventually(lambda: rows.waiting == 0)
    assert table.rows == numbered(MOST_AT_ONCE + 10)
    assert len(table.batches) in (2, 3), "those that were there when the first was begun, and the rest"


def test_what_comes_after_a_pause_is_written_too() -> None:
    table = Table()
    rows = behind(table.write)
    for row in numbered(3):
        assert rows.take(row)
        eventually(lambda: rows.waiting == 0)
    assert table.batches == [[row] for row in numbered(3)]


def test_what_many_threads_give_is_all_written_once() -> None:
    table = Table()
    rows = behind(table.write)

    def give(first: int) -> None:
        for number in range(first, first + 300):
            assert rows.take({"id": number})

    threads = [threading.Thread(target=give, args=(1000 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    eventually(lambda: rows.waiting == 0)
    assert sorted(row["id"] for row in table.rows) == [1000 * n + k for n in range(8) for k in range(300)]


def test_nothing_is_lost_while_the_database_is_away(complaints: list[logging.LogRecord]) -> None:
    table = Table()
    table.away = True
    rows = behind(table.write)
    for row in numbered(3):
        assert rows.take(row)
    eventually(lambda: table.refusals > 2)
    assert rows.waiting == 3
    table.away = False
    eventually(lambda: rows.waiting == 0)
    assert table.rows == numbered(3)
    assert [record.getMessage() for record in complaints] == ["rows can't be written yet"], "once, not each time"


def test_there_is_room_for_so_many_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_behind, "MOST_WAITING", 2)
    table = Table()
    table.open.clear()
    rows = behind(table.write)
    assert [rows.take(row) for row in numbered(3)] == [True, True, False]
    table.open.set()
    eventually(lambda: rows.waiting == 0)
    assert rows.take({"id": 3})
    eventually(lambda: table.rows == [*numbered(2), {"id": 3}])


def test_the_end_waits_for_what_was_taken_and_takes_no_more() -> None:
    table = Table()
    rows = behind(table.write)
    for row in numbered(MOST_AT_ONCE * 2):
        rows.take(row)
    rows.end(WAIT)
    assert table.rows == numbered(MOST_AT_ONCE * 2)
    assert not rows.take({"id": 7})


def test_an_end_without_a_database_says_what_is_lost(complaints: list[logging.LogRecord]) -> None:
    table = Table()
    table.away = True
    rows = behind(table.write)
    rows.take({"id": 1})
    for _ in range(2):
        rows.end(WAIT)
    (lost,) = [record for record in complaints if record.levelno == logging.ERROR]
    assert (lost.getMessage(), vars(lost)["table"], vars(lost)["rows"]) == ("rows are lost", "toys", 1)


def test_a_forked_process_has_only_its_own_rows() -> None:
    table = Table()
    table.open.clear()
    rows = behind(table.write)
    rows.take({"id": "the parent's"})
    child = os.fork()
    if child == 0:
        table.open.set()
        inherited = rows.waiting
        taken = rows.take({"id": "the child's"})
        rows.end(WAIT)
        os._exit(0 if (inherited, taken, table.rows) == (0, True, [{"id": "the child's"}]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    table.open.set()
    eventually(lambda: table.rows == [{"id": "the parent's"}])
