"""A/A: the monolith against itself, without rules: nothing differs, in answers nor in databases, time after time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import RECORDINGS, replay
from tests.support.mariadb import MariaDB

ITSELF = ("--control", "legacy.spot:create_app()", "--candidate", "legacy.spot:create_app()")
ALL = sorted(RECORDINGS.glob("*.har"))
#: Prices of five minutes: which five minutes, may change between two runs.
BUCKETS = "table pricing_snapshots_clean"


def assert_nothing_differs(report: dict[str, Any]) -> None:
    summary, databases = report["summary"], report["databases"]
    assert report["differences"] == []
    assert (summary["exchanges"], summary["different"], summary["accepted"], summary["errors"]) == (1559, 0, 0, 0)
    assert databases["differences"] == []
    assert (databases["compared"], databases["equal"], databases["accepted"]) == (len(ALL), True, [])
    assert sum(table["equal"] for table in databases["tables"]) > 1000


@pytest.mark.parametrize("turn", range(1, 6))
def test_nothing_differs(tmp_path: Path, turn: int) -> None:
    assert_nothing_differs(replay(tmp_path, *ALL, *ITSELF, "--noise-runs", "0"))


def test_nothing_differs_on_mariadb(tmp_path: Path, mariadb: MariaDB) -> None:
    databases = ("--control-db", mariadb.create_database(), "--candidate-db", mariadb.create_database(), "--reset")
    assert_nothing_differs(replay(tmp_path, *ALL, *ITSELF, *databases, "--noise-runs", "0"))


def test_nothing_differs_between_two_products(tmp_path: Path, mariadb: MariaDB) -> None:
    databases = ("--control-db", mariadb.create_database(), "--reset")
    assert_nothing_differs(replay(tmp_path, *ALL, *ITSELF, *databases, "--noise-runs", "0"))


def test_hardly_anything_in_the_databases_is_noise(tmp_path: Path) -> None:
    report = replay(tmp_path, *ALL, *ITSELF)
    assert_nothing_differs(report)
    assert {noise["route"] for noise in report["noise"] if noise["route"].startswith("table ")} <= {BUCKETS}
