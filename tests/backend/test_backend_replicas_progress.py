"""What agents report of a replica on its way to being ready."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.backend.conftest import Spot
from tests.backend.standby import add_pools, create, delete, put, replica, replicas, use_manual_mode

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def made(spot: Spot) -> tuple[Spot, str]:
    """A replica that is to be launched."""
    use_manual_mode(spot)
    add_pools(spot)
    return spot, create(spot)


def test_the_instance_that_was_launched_is_stored(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    answer = put(spot, replica_id, {"instance_id": "i-2"})
    assert answer.json == {"success": True, "replica_id": replica_id, "instance_id": "i-2", "status": "syncing"}
    first = replica(spot, replica_id)
    assert (first["instance_id"], first["status"], first["launched_at"] is None) == ("i-2", "syncing", False)
    spot.sql("UPDATE replica_instances SET launched_at = '2026-01-01 00:00:00'")
    assert put(spot, replica_id, {"instance_id": 5, "status": "launching"}).json["instance_id"] == 5
    second = replica(spot, replica_id)
    assert (second["instance_id"], second["launched_at"]) == ("5", "2026-01-01 00:00:00")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "instance_id is required"),
        ({"instance_id": ""}, 400, "instance_id is required"),
        ({"instance_id": "i", "status": "bogus"}, 500, "1265 (01000): Data truncated for column 'status' at row 1"),
        ({"instance_id": "i", "status": None}, 500, "1048 (23000): Column 'status' cannot be null"),
        ({"instance_id": "i" * 256}, 500, "1406 (22001): Data too long for column 'instance_id' at row 1"),
        ({"instance_id": {"a": 1}}, 500, "Python type dict cannot be converted"),
    ],
)
def test_instances_that_cannot_be_stored(made: tuple[Spot, str], body: Any, status: int, error: str) -> None:
    spot, replica_id = made
    answer = put(spot, replica_id, body)
    assert (answer.status_code, answer.json) == (status, {"error": error})
    assert replica(spot, replica_id)["status"] == "launching"


def test_real_agents_tell_more_than_the_status(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    began = {"status": "syncing", "sync_started_at": "2026-11-21T03:15:43.197377+00:00"}
    ended = {"status": "ready", "sync_completed_at": "2026-11-21T03:15:53Z"}
    failed = {"status": "failed", "error_message": "no capacity"}
    for told in (began, ended, failed):
        answer = spot.post(f"replicas/{replica_id}/status", told)
        assert answer.json == {"success": True, "replica_id": replica_id, "status": told["status"]}
    row = replica(spot, replica_id)
    assert (row["sync_started_at"], row["sync_completed_at"]) == ("2026-11-21 03:15:43", "2026-11-21 03:15:53")
    assert (row["error_message"], row["status"], row["ready_at"] is None) == ("no capacity", "failed", False)


def test_what_is_told_as_nothing_leaves_what_was_told(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    spot.post(f"replicas/{replica_id}/status", {"status": "failed", "error_message": "x"})
    nothing = {"status": "launching", "error_message": "", "sync_started_at": None, "sync_completed_at": 0}
    assert spot.post(f"replicas/{replica_id}/status", nothing).status_code == 200
    row = replica(spot, replica_id)
    assert (row["error_message"], row["sync_started_at"], row["sync_completed_at"]) == ("x", None, None)


def test_ready_is_dated_once(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    spot.sql("UPDATE replica_instances SET ready_at = '2026-01-01 00:00:00'")
    spot.post(f"replicas/{replica_id}/status", {"status": "ready"})
    assert replicas(spot)[0]["ready_at"] == "2026-01-01T00:00:00"


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        ({}, 400, "status is required"),
        ({"status": ""}, 400, "status is required"),
        ({"status": "promoted"}, 400, "Invalid status"),
        ({"status": "READY"}, 400, "Invalid status"),
        ({"status": ["ready"]}, 400, "Invalid status"),
        (
            {"status": "ready", "sync_started_at": "soon"},
            500,
            "1292 (22007): Incorrect datetime value: 'soon' for column 'sync_started_at' at row 1",
        ),
        ({"status": "ready", "error_message": ["x"]}, 500, "Python type list cannot be converted"),
    ],
)
def test_statuses_that_cannot_be_stored(made: tuple[Spot, str], body: Any, status: int, error: str) -> None:
    spot, replica_id = made
    answer = spot.post(f"replicas/{replica_id}/status", body)
    assert answer.status_code == status
    words = [word for word in error.split(" for column ")[0].split("'") if word]
    assert all(word in answer.json["error"] for word in words)
    assert replica(spot, replica_id)["status"] == "launching"


def test_unknown_replicas_have_no_status(spot: Spot) -> None:
    assert spot.post(f"replicas/{UNKNOWN}/status", {"status": "ready"}).status_code == 404
    assert put(spot, UNKNOWN, {"instance_id": "i"}).json == {"error": "Replica not found"}


def sync(spot: Spot, replica_id: str, body: Any) -> Any:
    answer = spot.post(f"replicas/{replica_id}/sync-status", body)
    return answer.json if answer.status_code == 200 else answer.json["error"]


STORED = {"success": True, "message": "Sync status updated"}


def test_the_transfer_of_state_is_followed(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    assert sync(spot, replica_id, {"sync_status": "syncing", "sync_latency_ms": 150, "state_transfer_progress": 40.5})
    (shown,) = replicas(spot)
    assert (shown["sync_status"], shown["sync_latency_ms"], shown["state_transfer_progress"]) == ("syncing", 150, 40.5)
    assert shown["status"] == "launching"
    assert replica(spot, replica_id)["last_sync_at"] is not None
    assert sync(spot, replica_id, {"state_transfer_progress": 100}) == STORED
    assert (replicas(spot)[0]["status"], replicas(spot)[0]["ready_at"] is None) == ("ready", False)


def test_a_status_that_is_told_counts_more_than_a_complete_transfer(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    assert sync(spot, replica_id, {"state_transfer_progress": 100.0, "status": "syncing"}) == STORED
    assert (replicas(spot)[0]["status"], replicas(spot)[0]["ready_at"] is None) == ("syncing", False)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"sync_status": "bogus"}, "1265 (01000): Data truncated for column 'sync_status' at row 1"),
        ({"status": "bogus"}, "1265 (01000): Data truncated for column 'status' at row 1"),
        (
            {"state_transfer_progress": 12345.5},
            "1264 (22003): Out of range value for column 'state_transfer_progress' at row 1",
        ),
        ({"state_transfer_progress": "50"}, "'>=' not supported between instances of 'str' and 'float'"),
        ({"state_transfer_progress": None}, "'>=' not supported between instances of 'NoneType' and 'float'"),
        (5, "argument of type 'int' is not iterable"),
    ],
)
def test_transfers_that_cannot_be_stored(made: tuple[Spot, str], body: Any, error: str) -> None:
    spot, replica_id = made
    assert sync(spot, replica_id, body) == error
    assert replica(spot, replica_id)["last_sync_at"] is None


def test_a_latency_must_be_a_number(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    assert "1366 (22007): Incorrect integer value: 'fast'" in sync(spot, replica_id, {"sync_latency_ms": "fast"})


@pytest.mark.parametrize("body", [{}, [], ["x"], "x", None, {"sync_status": None}])
def test_nothing_told_is_a_sign_of_life(made: tuple[Spot, str], body: Any) -> None:
    spot, replica_id = made
    url = f"/api/agents/{spot.agent_id}/replicas/{replica_id}/sync-status"
    assert spot.http.post(url, data=json.dumps(body), content_type="application/json").json == STORED
    assert replica(spot, replica_id)["last_sync_at"] is not None


def test_what_is_reported_on_a_server(spot_on_server: Spot) -> None:
    """One statement each, which finds the replica, keeps a promoted one promoted, and is told when there is none."""
    spot = spot_on_server
    use_manual_mode(spot)
    add_pools(spot)
    replica_id = create(spot)
    assert put(spot, replica_id, {"instance_id": "i-2", "status": "ready"}).status_code == 200
    assert put(spot, replica_id, {"instance_id": "i-2", "status": "ready"}).status_code == 200, "no news is fine"
    assert put(spot, replica_id, {"instance_id": "i-2", "status": "bogus"}).status_code == 500
    assert put(spot, UNKNOWN, {"instance_id": "i-2", "status": "bogus"}).status_code == 404
    assert spot.post(f"replicas/{UNKNOWN}/status", {"status": "ready"}).status_code == 404
    spot.sql("UPDATE replica_instances SET status = 'promoted'")
    assert put(spot, replica_id, {"instance_id": "i-3", "status": "bogus"}).status_code == 200
    assert spot.post(f"replicas/{replica_id}/status", {"status": "failed", "error_message": "x"}).status_code == 200
    assert sync(spot, replica_id, {"sync_latency_ms": 7, "state_transfer_progress": 100}) == STORED
    row = replica(spot, replica_id)
    assert (row["status"], row["instance_id"], row["error_message"], row["sync_latency_ms"]) == (
        "promoted",
        "i-3",
        "x",
        7,
    )
    kept = "SELECT COUNT(*) AS n FROM audit_logs WHERE entity_id = ?"
    assert spot.one(kept, UNKNOWN) == {"n": 0}, "what was refused is not in the audit log"


def test_unknown_replicas_may_sync(spot: Spot) -> None:
    assert sync(spot, UNKNOWN, {"sync_status": "synced"}) == STORED
    assert sync(spot, UNKNOWN, {"sync_status": "bogus"}) == STORED


def test_terminated_replicas_may_report_but_stay_inactive(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    delete(spot, replica_id)
    assert put(spot, replica_id, {"instance_id": "i-2"}).status_code == 200
    assert (replica(spot, replica_id)["status"], replica(spot, replica_id)["is_active"]) == ("syncing", 0)


def test_bodies_that_cannot_be_read_are_failures(made: tuple[Spot, str]) -> None:
    spot, replica_id = made
    url = f"/api/agents/{spot.agent_id}/replicas/{replica_id}"
    for answer in (spot.http.put(url), spot.http.post(f"{url}/status"), spot.http.post(f"{url}/sync-status")):
        assert answer.status_code == 500
        assert answer.json["error"].startswith("415 Unsupported Media Type: ")


def test_it_works_on_the_servers_too(spot_on_server: Spot) -> None:
    spot = spot_on_server
    use_manual_mode(spot)
    add_pools(spot)
    replica_id = create(spot)
    assert put(spot, replica_id, {"instance_id": "i-2"}).status_code == 200
    told = {"status": "ready", "sync_completed_at": "2026-11-21T03:15:53Z", "error_message": "slow"}
    assert spot.post(f"replicas/{replica_id}/status", told).status_code == 200
    assert sync(spot, replica_id, {"sync_status": "synced", "state_transfer_progress": 100}) == STORED
    assert "1366 (22007): Incorrect integer value: 'fast'" in sync(spot, replica_id, {"sync_latency_ms": "fast"})
    row = replica(spot, replica_id)
    assert (row["sync_completed_at"].isoformat(), row["error_message"]) == ("2026-11-21T03:15:53", "slow")
    assert put(spot, replica_id, {"instance_id": "i", "status": "bogus"}).status_code == 500
