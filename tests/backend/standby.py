"""What the tests of replicas share: pools with prices, replicas on their way, and who is primary."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from werkzeug.test import TestResponse

from backend.core.clock import utc_now
from tests.backend.conftest import Spot

PRICES = {"a": 0.0125, "b": 0.0131, "c": 0.0119}


def pool_in(zone: str) -> str:
    return f"t3.medium.us-east-1{zone}"


def add_pools(spot: Spot, prices: dict[str, float | None] | None = None) -> None:
    """Pools of the agent's kind, each with the price that an agent has just reported (None: nobody has)."""
    for zone, price in (PRICES if prices is None else prices).items():
        spot.sql(
            "INSERT INTO spot_pools (id, instance_type, region, az) VALUES (?, 't3.medium', 'us-east-1', ?)",
            pool_in(zone),
            f"us-east-1{zone}",
        )
        if price is not None:
            spot.sql("INSERT INTO spot_price_snapshots (pool_id, price) VALUES (?, ?)", pool_in(zone), price)


def set_agent(spot: Spot, **values: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    spot.sql(f"UPDATE agents SET {names} WHERE id = ?", *values.values(), spot.agent_id)


def use_manual_mode(spot: Spot) -> None:
    set_agent(spot, manual_replica_enabled=1, auto_switch_enabled=0)


def create(spot: Spot, zone: str = "b") -> str:
    answer = spot.post("replicas", {"pool_id": pool_in(zone)})
    assert answer.status_code == 201, answer.json
    replica_id: str = answer.json["replica_id"]
    return replica_id


def launched(spot: Spot, replica_id: str, instance_id: str = "i-2", status: str = "ready") -> str:
    """The replica, launched as `instance_id`, in `status`."""
    assert put(spot, replica_id, {"instance_id": instance_id}).status_code == 200
    assert spot.post(f"replicas/{replica_id}/status", {"status": status}).status_code == 200
    return replica_id


def ready_replica(spot: Spot, instance_id: str = "i-2") -> str:
    """A ready replica of an agent in manual mode, and the pools for it."""
    use_manual_mode(spot)
    add_pools(spot)
    return launched(spot, create(spot), instance_id)


def put(spot: Spot, replica_id: str, body: Any) -> TestResponse:
    return spot.http.put(f"/api/agents/{spot.agent_id}/replicas/{replica_id}", json=body, headers=spot.headers)


def delete(spot: Spot, replica_id: str) -> TestResponse:
    return spot.http.delete(f"/api/agents/{spot.agent_id}/replicas/{replica_id}", headers=spot.headers)


def replicas(spot: Spot, query: str = "") -> list[dict[str, Any]]:
    answer = spot.get(f"replicas?{query}").json
    assert answer["total"] == len(answer["replicas"])
    found: list[dict[str, Any]] = answer["replicas"]
    return found


def replica(spot: Spot, replica_id: str) -> dict[str, Any]:
    return spot.one("SELECT * FROM replica_instances WHERE id = ?", replica_id)


def insert_replica(spot: Spot, replica_id: str, **values: Any) -> str:
    """A replica that stands by, made by hand."""
    place = {"pool_id": pool_in("b"), "instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1b"}
    made = {"id": replica_id, "agent_id": spot.agent_id, "instance_id": f"i-{replica_id}", "replica_type": "manual"}
    _insert(spot, "replica_instances", {**made, **place, "status": "ready", **values})
    return replica_id


def insert_instance(spot: Spot, instance_id: str, **values: Any) -> None:
    place = {"instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1b"}
    _insert(spot, "instances", {"id": instance_id, **place, **values})


def insert_bucket(spot: Spot, zone: str, price: float, age: timedelta) -> None:
    """The price of a pool in a bucket that began some time ago."""
    began = (utc_now() - age).strftime("%Y-%m-%d %H:%M:%S")
    pool = {"pool_id": pool_in(zone), "instance_type": "t3.medium", "region": "us-east-1", "az": f"us-east-1{zone}"}
    times = dict.fromkeys(("time_bucket", "bucket_start", "bucket_end"), began)
    _insert(spot, "pricing_snapshots_clean", {**pool, **times, "spot_price": price, "source_type": "primary"})


def insert_signal(spot: Spot, age: timedelta = timedelta(), **values: Any) -> None:
    """An interruption signal that the agent passed on some time ago."""
    signal = {"agent_id": spot.agent_id, "instance_id": "i-1", "response_action": "no-action"}
    detected_at = (utc_now() - age).strftime("%Y-%m-%d %H:%M:%S")
    _insert(spot, "spot_interruption_events", {**signal, "detected_at": detected_at, **values})


def _insert(spot: Spot, table: str, row: dict[str, Any]) -> None:
    marks = ", ".join("?" for _ in row)
    spot.sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", *row.values())


def instances(spot: Spot) -> dict[str, tuple[bool, bool]]:
    """Each instance: is it active, and does it belong to the agent?"""
    rows = spot.sql("SELECT id, is_active, agent_id FROM instances")
    return {row["id"]: (bool(row["is_active"]), row["agent_id"] == spot.agent_id) for row in rows}


PRIMARIES = """
    SELECT a.id AS agent_id, a.instance_id,
        (SELECT COUNT(*) FROM instances i WHERE i.agent_id = a.id AND i.is_active = 1) AS owned,
        (SELECT COUNT(*) FROM instances i WHERE i.agent_id = a.id AND i.is_active = 1 AND i.id = a.instance_id) AS named
    FROM agents a"""


def assert_one_primary(spot: Spot, instance_id: str) -> None:
    """The agent's only active instance is the one it names."""
    (row,) = spot.sql(f"{PRIMARIES} WHERE a.id = ?", spot.agent_id)
    assert (row["instance_id"], row["owned"], row["named"]) == (instance_id, 1, 1)
