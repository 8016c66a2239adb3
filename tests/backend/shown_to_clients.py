"""Rows of everything that clients are shown, and the requests that show it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.backend.conftest import Spot
from tests.backend.standby import pool_in

AGENT = "7d4a68e3-8494-4f20-8c79-681bdef0fb4a"
OTHER_AGENT = "d2c0d0d1-603f-4ede-9784-d24d303561a6"
READS = (
    "client/client-1",
    "client/client-1/agents",
    "client/client-1/agents/decisions",
    "client/client-1/agents/history",
    "client/client-1/instances",
    "client/client-1/instances?status=active&mode=SPOT",
    "client/client-1/instances?search=I-_",
    "client/client-1/replicas",
    "client/client-1/savings",
    "client/client-1/switch-history",
    "client/client-1/switch-history?instance_id=i-1",
    "client/client-1/stats/charts",
    "client/validate",
    "client/pricing-history?interval=hour",
    "client/pricing-history?interval=day",
    "client/instances/i-1/pricing",
    "client/instances/i-1/metrics",
    "client/instances/i-1/price-history",
    "client/instances/i-1/price-history?interval=day",
    "client/instances/i-1/available-options",
    "notifications",
    "notifications?client_id=client-1&limit=1",
)


def insert(spot: Spot, table: str, *rows: dict[str, Any]) -> None:
    for row in rows:
        values = [str(value) if hasattr(value, "year") else value for value in row.values()]
        spot.sql(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", *values)


def fill(spot: Spot, today: datetime) -> None:
    """The same rows on every database: two agents with all that clients are shown of them, until `today`."""
    for table in ("system_events", "notifications", "agents", "instances"):
        spot.sql(f"DELETE FROM {table}")
    place = {"instance_type": "t3.medium", "region": "us-east-1", "az": "us-east-1a"}
    mine = {"client_id": "client-1", "agent_id": AGENT}
    times = [today - timedelta(hours=7 * step) for step in range(9)]
    made = {"created_at": times[8], "updated_at": times[8]}
    for number, agent_id in enumerate((AGENT, OTHER_AGENT)):
        agent = {"id": agent_id, "client_id": "client-1", "logical_agent_id": f"agent-{number}", "status": "online"}
        heard = {"last_heartbeat_at": times[0] if number else None, "instance_id": f"i-{number}"}
        insert(spot, "agents", {**agent, **place, **heard, **made})
    common = {**mine, **place, "installed_at": times[7]}
    prices = {"spot_price": 0.0125, "ondemand_price": 0.0416}
    for number, mode in enumerate(("ondemand", "spot", "spot")):
        instance = {"id": f"i-{number}", "current_mode": mode, "is_active": int(number < 2)}
        insert(spot, "instances", {**common, **prices, **instance, "created_at": times[number]})
    insert(
        spot,
        "spot_pools",
        {"id": pool_in("a"), **place},
        {"id": pool_in("b"), **place, "az": "us-east-1b", "is_active": 0},
    )
    for number, time in enumerate(times):
        price = {"price": 0.011 + number / 1000, "captured_at": time}
        insert(spot, "spot_price_snapshots", {"pool_id": pool_in("ab"[number % 2]), **price})
        ondemand = {"price": 0.0416 + number / 10000, "region": "us-east-1", "instance_type": "t3.medium"}
        insert(spot, "ondemand_price_snapshots", {**ondemand, "captured_at": time})
        pair = {"old_instance_id": f"i-{number % 3}", "new_instance_id": f"i-{(number + 1) % 3}"}
        began = {"initiated_at": time if number % 3 else None, "timestamp": times[0] - timedelta(days=number)}
        modes = {"new_mode": "spot", "new_spot_price": 0.0119, "savings_impact": 0.0297 - number / 1000}
        insert(spot, "switches", {"id": f"s{number}", **mine, **pair, **began, **modes})
        insert(spot, "agent_decision_history", {**mine, "decision_type": f"t{number}", "decision_time": time})
        insert(spot, "pricing_reports", {"id": f"r{number}", "agent_id": AGENT, "received_at": time})
        insert(spot, "system_events", {**mine, "event_type": f"e{number}", "created_at": time})
        insert(spot, "notifications", {"id": f"n{number}", "client_id": "client-1", "message": "m", "created_at": time})
        month = {"client_id": "client-1", "year": 2025 + number // 5, "month": 10 - number, "savings": number / 8}
        insert(spot, "client_savings_monthly", month)
    replica = {"id": "r1", "agent_id": AGENT, "instance_id": "i-r1", "replica_type": "manual", "status": "ready"}
    insert(spot, "replica_instances", {**replica, "pool_id": pool_in("a"), "created_at": times[0]})
