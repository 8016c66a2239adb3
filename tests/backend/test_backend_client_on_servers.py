"""MariaDB and PostgreSQL show clients what SQLite shows them, and keep apart what happens at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from tests.backend.conftest import Spot
from tests.backend.looking_back import now
from tests.backend.shown_to_clients import READS, fill
from tests.backend.standby import add_pools, pool_in

ROUNDS = 25
WAIT_SECONDS = 30


def answers(spot: Spot) -> dict[str, Any]:
    return {read: spot.http.get(f"/api/{read}", headers=spot.headers).json for read in READS}


def test_all_databases_show_the_same(spot: Spot, spot_on_server: Spot) -> None:
    today = now()
    fill(spot, today)
    fill(spot_on_server, today)
    expected = answers(spot)
    assert all(len(answer) > 0 for answer in expected.values())
    assert answers(spot_on_server) == expected


def test_no_replica_outlives_its_mode_whoever_acts_at_the_same_time(spot_on_mariadb: Spot) -> None:
    spot = spot_on_mariadb
    add_pools(spot)
    together = Barrier(2)

    def set_mode(on: bool) -> int:
        body = {"manualReplicaEnabled": on}
        return spot.http.post(f"/api/client/agents/{spot.agent_id}/config", json=body).status_code

    def leave_mode() -> int:
        together.wait(WAIT_SECONDS)
        return set_mode(False)

    def create() -> int:
        together.wait(WAIT_SECONDS)
        return spot.post("replicas", {"pool_id": pool_in("a")}).status_code

    with ThreadPoolExecutor(2) as pool:
        for _ in range(ROUNDS):
            assert set_mode(True) == 200
            left, created = pool.submit(leave_mode), pool.submit(create)
            assert (left.result(), created.result()) in {(200, 201), (200, 400)}
            agent = spot.agent()
            assert (agent["manual_replica_enabled"], agent["replica_count"]) == (0, 0)
            assert spot.sql("SELECT * FROM replica_instances WHERE is_active = 1") == []
