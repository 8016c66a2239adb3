"""Both sides can work on one database: each answers as before on the schema that the other one brings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from legacy.spot_db import Database as Monolith
from tests.backend.conftest import Database
from tests.backend.migrating import upgrade
from tests.support.cli import RECORDINGS, replay
from tests.support.mariadb import MariaDB

MONOLITH = "legacy.spot:create_app()"
BACKEND = "backend:create_app"
ALL = sorted(RECORDINGS.glob("*.har"))


@pytest.fixture(params=["sqlite", "mariadb"])
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that the monolith's schema made and our revisions were run on."""
    url = f"sqlite:///{tmp_path}/shared.sqlite3"
    if request.param == "mariadb":
        server: MariaDB = request.getfixturevalue("mariadb")
        url = server.create_database()
    with closing(Monolith(url)) as made:
        made.create_schema()
    upgrade(Database(request.param, url, lambda query: []))
    return url


def test_the_monolith_answers_as_recorded_on_an_upgraded_database(tmp_path: Path, upgraded: str) -> None:
    on_it = ("--candidate", MONOLITH, "--candidate-db", upgraded, "--reset")
    report = replay(tmp_path / "report", *ALL, "--control", "recording", *on_it)
    assert report["differences"] == []
    assert (report["summary"]["exchanges"], report["summary"]["errors"]) == (1559, 0)


def test_the_backend_answers_as_the_monolith_on_an_adopted_database(tmp_path: Path, upgraded: str) -> None:
    on_it = ("--candidate", BACKEND, "--candidate-db", upgraded, "--reset")
    report = replay(tmp_path / "report", *ALL, "--control", MONOLITH, *on_it, SPOT_ADMIN_ACCESS="open")
    assert report["differences"] == []
    assert (report["summary"]["exchanges"], report["summary"]["errors"]) == (1559, 0)
