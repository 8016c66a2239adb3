"""Databases of different products hold the same when they mean the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.state.source import reading
from migration.targets.database import SideDatabaseError
from tests.support.databases import Bench, execute, places
from tests.support.mariadb import MariaDB
from tests.support.postgres import PostgreSQL

COLUMNS = {
    "sqlite": "id INTEGER PRIMARY KEY, code CHAR(8), paid BOOLEAN, price DECIMAL(10,4), weight FLOAT, facts JSON, "
    "made_at TIMESTAMP, day DATE, photo BLOB, story TEXT",
    "mysql": "id BIGINT AUTO_INCREMENT PRIMARY KEY, code CHAR(8), paid TINYINT(1), price DECIMAL(10,4), weight DOUBLE, "
    "facts JSON, made_at TIMESTAMP NULL, day DATE, photo VARBINARY(20), story TEXT",
    "postgresql": "id BIGSERIAL PRIMARY KEY, code CHAR(8), paid BOOLEAN, price NUMERIC(10,4), weight DOUBLE PRECISION, "
    "facts JSONB, made_at TIMESTAMPTZ, day DATE, photo BYTEA, story TEXT",
}
PHOTO = {"sqlite": "X'00FF'", "mysql": "X'00FF'", "postgresql": "'\\x00ff'"}
JSON = {
    "sqlite": '{"b":[1,2.50],"a":"ü"}',
    "mysql": '{"b": [1, 2.5], "a": "ü"}',
    "postgresql": '{"a": "ü", "b": [1, 2.5]}',
}
#: 08:00:00.7 UTC, as each product is told it; what is below a second is no matter.
MOMENT = {
    "sqlite": "'2026-11-21T08:00:00.7Z'",
    "mysql": "'2026-11-21 08:00:00'",
    "postgresql": "'2026-11-21 10:00:00.7+02:00'",
}


@pytest.fixture
def urls(tmp_path: Path, mariadb: MariaDB, postgres: PostgreSQL) -> dict[str, str]:
    """An empty database of each product with the same table, holding the same rows."""
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'items.sqlite3'}",
        "mysql": mariadb.create_database(),
        "postgresql": postgres.create_database(),
    }
    for product, url in urls.items():
        values = (
            f"'ab', TRUE, 12.5, 0.1, '{JSON[product]}', {MOMENT[product]}, '2026-11-20', {PHOTO[product]}, 'It''s ü'"
        )
        execute(
            url,
            f"CREATE TABLE items ({COLUMNS[product]})",
            f"INSERT INTO items (code, paid, price, weight, facts, made_at, day, photo, story) VALUES ({values})",
            "INSERT INTO items (code, paid) VALUES ('cd', FALSE)",
        )
    return urls


PAIRS = [("sqlite", "mysql"), ("mysql", "postgresql"), ("postgresql", "sqlite"), ("mysql", "mysql")]


@pytest.mark.parametrize(("control", "candidate"), PAIRS)
def test_the_same_rows_are_equal(tmp_path: Path, urls: dict[str, str], control: str, candidate: str) -> None:
    verdict = Bench(tmp_path, urls[control], urls[candidate]).compare()
    assert places(verdict) == []
    assert [(table.control_rows, table.equal) for table in verdict.tables] == [(2, 2)]


@pytest.mark.parametrize(("control", "candidate"), PAIRS[:3])
def test_every_kind_of_column_can_differ(tmp_path: Path, urls: dict[str, str], control: str, candidate: str) -> None:
    changes = {
        "code": "code = 'abc'",
        "paid": "paid = FALSE",
        "price": "price = 12.5001",
        "weight": "weight = 0.1001",
        "facts.a": """facts = '{"a": "u", "b": [1, 2.5]}'""",
        "made_at": "made_at = '2026-11-21 08:00:20'",
        "day": "day = '2026-11-19'",
        "photo": f"photo = {PHOTO[candidate].replace('FF', 'FE').replace('ff', 'fe')}",
        "story": "story = 'It''s u'",
    }
    for place, change in changes.items():
        before = place.partition(".")[0]
        execute(urls[candidate], f"CREATE TABLE kept AS SELECT {before} AS kept FROM items WHERE code LIKE 'ab%%'")
        execute(urls[candidate], f"UPDATE items SET {change} WHERE code = 'ab'")
        verdict = Bench(tmp_path, urls[control], urls[candidate]).compare()
        assert [where for _, where, _ in places(verdict)] == [place]
        execute(
            urls[candidate],
            f"UPDATE items SET {before} = (SELECT kept FROM kept) WHERE code LIKE 'ab%%'",
            "DROP TABLE kept",
        )


def test_a_schema_that_changed_is_read_anew(urls: dict[str, str]) -> None:
    for url in urls.values():
        with reading(url) as source:
            before = source.tables["items"]
        execute(url, "ALTER TABLE items ADD COLUMN colour TEXT", "CREATE UNIQUE INDEX by_weight ON items (weight)")
        with reading(url) as source:
            after = source.tables["items"]
        assert set(after.columns) - set(before.columns) == {"colour"}
        assert (before.unique, after.unique) == ((), (("weight",),))


def test_a_database_is_read_as_it_is_at_one_moment(urls: dict[str, str]) -> None:
    for product, url in urls.items():
        with reading(url) as source:
            table = source.tables["items"]
            assert len(list(source.rows(table, table.columns))) == 2
            if product != "sqlite":  # a reader keeps SQLite's writers waiting
                execute(url, "INSERT INTO items (code, paid) VALUES ('ef', FALSE)")
            assert len(list(source.rows(table, table.columns))) == 2


@pytest.mark.parametrize("url", ["sqlite:///nowhere.sqlite3", "mysql://root:geheim@127.0.0.1:9/shop", "nonsense"])
def test_a_database_that_can_not_be_read_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(SideDatabaseError) as refused, reading(url):
        pass
    assert "\n" not in str(refused.value)
    assert "geheim" not in str(refused.value)
