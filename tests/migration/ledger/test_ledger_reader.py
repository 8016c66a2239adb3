"""Serving processes see a change within a second, and outlive the ledger's database."""

from __future__ import annotations

import logging
import multiprocessing
import socket
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from migration.ledger import Ledger, LedgerReader, State
from migration.ledger.rollout import promote
from tests.support.waiting import eventually


def is_native(reader: LedgerReader) -> bool:
    match = reader.table().match("GET", "/health")
    return match is not None and match.state is State.NATIVE


def test_the_first_table_is_already_read(ledger: Ledger) -> None:
    reader = ledger.reader("spot")
    assert len(reader.table()) > 0
    reader.close()


def test_a_change_is_seen_within_a_second(ledger: Ledger) -> None:
    reader = ledger.reader("spot")
    assert not is_native(reader)
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    eventually(lambda: is_native(reader), 1.0)
    reader.close()


def test_the_last_table_stays_while_the_ledger_is_broken(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    reader = LedgerReader(ledger.url, "spot", interval=0.01)
    assert is_native(reader)
    with caplog.at_level(logging.WARNING, "migration.ledger.reader"):
        break_and_mend(tmp_path / "ledger.sqlite3", lambda: eventually(lambda: caplog.records))
        assert is_native(reader)
        eventually(lambda: len(caplog.records) > 1)
    assert ["can't be read" in record.message for record in caplog.records] == [True, False]
    reader.close()


def break_and_mend(database: Path, meanwhile: Callable[[], object]) -> None:
    with sqlite3.connect(database) as connection:
        connection.execute("ALTER TABLE cutover_version RENAME TO away")
    try:
        meanwhile()
    finally:
        with sqlite3.connect(database) as connection:
            connection.execute("ALTER TABLE away RENAME TO cutover_version")


def test_a_ledger_that_hangs_delays_only_the_first_request() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = LedgerReader(f"mysql://root@127.0.0.1:{silent.getsockname()[1]}/ledger", "spot")
        assert reader.table().match("GET", "/health") is None
        started = time.monotonic()
        reader.table()
        assert time.monotonic() - started < 0.5
        reader.close()


def test_a_forked_worker_reads_for_itself(ledger: Ledger) -> None:
    reader = ledger.reader("spot")
    assert not is_native(reader)
    context = multiprocessing.get_context("fork")
    forked, promoted, seen = context.Event(), context.Event(), context.Queue()

    def work() -> None:
        forked.set()
        promoted.wait(10)
        seen.put(is_native(reader))

    child = context.Process(target=work)
    child.start()
    assert forked.wait(10)
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    promoted.set()
    assert seen.get(timeout=10) is True
    child.join(10)
    reader.close()
