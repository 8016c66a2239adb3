"""Servers that tests start for themselves leave each other alone, and say why they can't start."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.mariadb import MariaDB


def test_a_server_keeps_its_temporary_tables_while_another_is_made(mariadb: MariaDB, tmp_path: Path) -> None:
    database = mariadb.create_database().rpartition("/")[2]
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE kept (id int) ENGINE=Aria")
        MariaDB(tmp_path).initialise()
        cursor.execute("DROP TEMPORARY TABLE kept")
        assert cursor.execute("SHOW WARNINGS") == 0


def test_why_a_server_could_not_be_made_is_said(mariadb: MariaDB, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no directory")
    with pytest.raises(RuntimeError, match="Can't create database directory"):
        MariaDB(tmp_path).initialise()
