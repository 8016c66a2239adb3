"""The scenario of all replica routes, without the six requests that only the new side can carry out.

In the recording as it is, the replicas that those make on the new side are in the way of what comes later, and rules
for that recording explain the rest. Here nothing is: promotion, demotion and failover must agree to the row.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.cli import RECORDINGS, replay
from tests.support.mariadb import MariaDB

MADE_ON_ONE_SIDE = {
    16: {"pool_id": "nope"},
    17: {"pool_id": "nope"},
    18: {"pool_id": "nope"},
    90: {"signal_type": "bogus"},
    91: {"signal_type": "bogus"},
    97: {"signal_type": "bogus"},
}
MEANT = {
    "GET /api/agents/<agent_id>/replicas",
    "POST /api/agents/<agent_id>/replicas",
    "POST /api/agents/<agent_id>/replicas/<replica_id>/status",
    "POST /api/agents/<agent_id>/termination-imminent",
}


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    har = json.loads((RECORDINGS / "replicas.har").read_text())
    for index, body in MADE_ON_ONE_SIDE.items():
        har["log"]["entries"][index]["request"]["postData"]["text"] = json.dumps(body)
    path = tmp_path / "replicas-without-six.har"
    path.write_text(json.dumps(har))
    shutil.copy(RECORDINGS / "replicas.sidecar.json", tmp_path / "replicas-without-six.sidecar.json")
    shutil.copy(RECORDINGS / "seed-rows.json", tmp_path)
    return path


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_both_sides_agree_to_the_row(tmp_path: Path, scenario: Path, database: str, mariadb: MariaDB) -> None:
    databases: tuple[str, ...] = ()
    if database == "mariadb":
        databases = ("--control-db", mariadb.create_database(), "--candidate-db", mariadb.create_database(), "--reset")
    report = replay(
        tmp_path / "report",
        scenario,
        *("--control", "legacy.spot:create_app()", "--candidate", "backend:create_app()", *databases),
        SPOT_AUTO_MIGRATE="true",
    )
    assert report["differences"] == report["databases"]["differences"] == []
    assert (report["summary"]["exchanges"], report["summary"]["errors"]) == (126, 0)
    assert report["summary"]["accepted"] <= 20
    explained = {accepted["rule"]["route"] for accepted in report["accepted"]}
    assert {route for route in explained if "/agents/" in route} == MEANT


def test_which_rows_were_changed_last_is_explained_however_long_a_run_takes(tmp_path: Path) -> None:
    """A quick run writes all within the tolerance, and hides it."""
    report = replay(
        tmp_path / "report",
        RECORDINGS / "replicas.har",
        *("--control", "legacy.spot:create_app()", "--candidate", "backend:create_app()"),
        *("--speed", "1", "--time-tolerance", "2"),
        SPOT_AUTO_MIGRATE="true",
    )
    assert report["databases"]["compared"] == 1
    assert [found for found in report["databases"]["differences"] if found["place"] == "updated_at"] == []
