"""The replica coordinator: it keeps replicas for agents, and fills gaps in the price buckets.

It is kept as it was measured, faults included: manual mode churns for five minutes after a promotion, one failing
agent starves those behind it, and gap filling succeeds once per pool. Only the lost connections are gone.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from bisect import bisect_left
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from legacy.spot_db import NOW, Database

logger = logging.getLogger(__name__)

Row = dict[str, Any]
#: Whether the job of this name is still this side's to run.
MayRun = Callable[[str], bool]

MONITOR_SECONDS = 10.0
MONITOR_RETRY_SECONDS = 30.0
QUALITY_SECONDS = 300.0
QUALITY_RETRY_SECONDS = 60.0
SETTLE_SECONDS = 2.0
EVENT_LIFE = timedelta(hours=2)
PROMOTION_LIFE = timedelta(minutes=5)
PRICE_LIFE = timedelta(hours=1)
QUALITY_WINDOW = timedelta(hours=24)
BUCKET = timedelta(minutes=5)
FALLBACK_ONDEMAND_PRICE = 0.0416  # US dollars an hour
FALLBACK_SPOT_PRICE = 0.05
INTERPOLATED_CONFIDENCE = 0.70
EXTENDED_CONFIDENCE = 0.50


def always(_name: str) -> bool:
    """Nobody else runs any job."""
    return True


class Coordinator:
    """Two loops on daemon threads: the monitor of agents, and the data-quality pass.

    ``interval`` is the pause in seconds after a pass of the monitor, ``settle`` the one before a replica is made up
    for a promoted one. ``may_run`` is asked before each pass whether it is to be made. Both passes can be run by hand
    and then raise what goes wrong.
    """

    def __init__(
        self,
        db: Database,
        interval: float = MONITOR_SECONDS,
        settle: float = SETTLE_SECONDS,
        may_run: MayRun = always,
    ) -> None:
        self._db = db
        self._interval = interval
        self._settle = settle
        self._may_run = may_run
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start both loops; each begins with a pass at once."""
        self._stopped.clear()
        loops = (
            ("coordinator-monitor", self.run_once, self._interval, MONITOR_RETRY_SECONDS),
            ("coordinator-quality", self.check_data_quality, QUALITY_SECONDS, QUALITY_RETRY_SECONDS),
        )
        self._threads = [threading.Thread(target=self._loop, args=loop, name=loop[0], daemon=True) for loop in loops]
        for thread in self._threads:
            thread.start()

    def stop(self, timeout: float = 10.0) -> None:
        """Ask both loops to end and wait for them, up to ``timeout`` seconds each."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout)
        self._threads = []

    def _loop(self, name: str, work: Callable[[], None], pause: float, pause_after_error: float) -> None:
        while not self._stopped.is_set():
            try:
                if self._may_run(name):
                    work()
                wait = pause
            except Exception:
                logger.exception("A pass of %s failed", name)
                wait = pause_after_error
            self._stopped.wait(wait)

    def run_once(self) -> None:
        """One pass over the agents that are enabled and online. An error ends it."""
        agents = self._db.fetch_all(
            "SELECT id, client_id, instance_id, auto_switch_enabled, manual_replica_enabled, current_replica_id"
            " FROM agents WHERE enabled = 1 AND status = 'online'"
        )
        for agent in agents:
            if agent["auto_switch_enabled"]:
                self._follow_interruption(agent)
            elif agent["manual_replica_enabled"]:
                self._keep_one_replica(agent)

    # Auto-switch mode

    def _follow_interruption(self, agent: Row) -> None:
        event = self._db.fetch_one(
            "SELECT signal_type, replica_id, detected_at, failover_completed FROM spot_interruption_events"
            " WHERE agent_id = %s ORDER BY detected_at DESC, id DESC LIMIT 1",
            (agent["id"],),
        )
        # The clock of this process, in its own zone, against the time of the database.
        if event is None or datetime.now() - event["detected_at"] > EVENT_LIFE:
            return
        if event["signal_type"] == "rebalance-recommendation":
            if event["replica_id"] and agent["current_replica_id"]:
                logger.info("Agent %s has replica %s", agent["id"], event["replica_id"])
            else:
                self._ensure_replica(agent)
        elif not event["failover_completed"]:
            self._complete_failover(agent, event)
        else:
            self._mark_emergency_complete(agent, event)

    def _ensure_replica(self, agent: Row) -> None:
        if self._standing_replicas(agent):
            return
        instance = self._active_instance(agent)
        if instance is None:
            return
        # A pool without a price counts as the cheapest, and without a current pool there is none to choose.
        pool = self._db.fetch_one(
            """
            SELECT p.id, p.az, (SELECT c.spot_price FROM pricing_snapshots_clean c WHERE c.pool_id = p.id
                                ORDER BY c.time_bucket DESC LIMIT 1) AS price
            FROM spot_pools p WHERE p.instance_type = %s AND p.region = %s AND p.id <> %s
            ORDER BY price, p.id LIMIT 1
            """,
            (instance["instance_type"], instance["region"], instance["current_pool_id"]),
        )
        if pool is None:
            logger.error("No pool for a replica of agent %s", agent["id"])
            return
        replica_id = self._insert_replica(agent, instance, pool, "emergency", "automatic-rebalance", pool["price"])
        self._db.execute(
            "UPDATE agents SET current_replica_id = %s, replica_count = replica_count + 1 WHERE id = %s",
            (replica_id, agent["id"]),
        )

    def _complete_failover(self, agent: Row, event: Row) -> None:
        replica = event["replica_id"] and self._db.fetch_one(
            "SELECT id, instance_id, instance_type, region, az, pool_id, hourly_cost FROM replica_instances"
            " WHERE id = %s AND is_active = 1",
            (event["replica_id"],),
        )
        if not replica:
            logger.critical("Agent %s is being terminated", agent["id"])
            logger.error("No replica to fail over to for agent %s", agent["id"])
            return
        self._make_primary(agent, replica)
        self._db.execute(
            "UPDATE agents SET instance_id = %s, current_replica_id = NULL, last_failover_at = NOW(),"
            " interruption_handled_count = interruption_handled_count + 1 WHERE id = %s",
            (replica["instance_id"], agent["id"]),
        )
        self._db.execute(
            "UPDATE replica_instances SET status = 'promoted', promoted_at = NOW(), failover_completed_at = NOW()"
            " WHERE id = %s",
            (replica["id"],),
        )
        newest = self._db.fetch_one(
            "SELECT id FROM spot_interruption_events WHERE agent_id = %s AND replica_id = %s"
            " ORDER BY detected_at DESC, id DESC LIMIT 1",
            (agent["id"], replica["id"]),
        )
        if newest:
            self._db.execute(
                "UPDATE spot_interruption_events SET failover_completed = 1, success = 1 WHERE id = %s",
                (newest["id"],),
            )

    def _make_primary(self, agent: Row, replica: Row) -> None:
        """Write the replica's instance row, without an agent."""
        known = self._db.fetch_one(
            "SELECT price FROM ondemand_prices WHERE instance_type = %s AND region = %s LIMIT 1",
            (replica["instance_type"], replica["region"]),
        )
        price = known["price"] if known else FALLBACK_ONDEMAND_PRICE
        self._db.upsert(
            "instances",
            {
                "id": replica["instance_id"],
                "client_id": agent["client_id"],
                "instance_type": replica["instance_type"],
                "region": replica["region"],
                "az": replica["az"],
                "current_mode": "spot",
                "current_pool_id": replica["pool_id"],
                "spot_price": replica["hourly_cost"],
                "ondemand_price": price,
                "baseline_ondemand_price": price,
                "is_active": 1,
                "installed_at": NOW,
            },
            key=("id",),
            update=("is_active", "current_mode", "current_pool_id", "spot_price"),
        )

    def _mark_emergency_complete(self, agent: Row, event: Row) -> None:
        events = self._db.fetch_all(
            "SELECT id, metadata FROM spot_interruption_events WHERE agent_id = %s AND detected_at = %s",
            (agent["id"], event["detected_at"]),
        )
        for row in events:
            metadata = json.loads(row["metadata"] or "{}")
            if isinstance(metadata, dict):
                self._db.execute(
                    "UPDATE spot_interruption_events SET metadata = %s WHERE id = %s",
                    (json.dumps({**metadata, "emergency_complete": True}), row["id"]),
                )

    # Manual mode

    def _keep_one_replica(self, agent: Row) -> None:
        standing = self._standing_replicas(agent)
        if not standing:
            self._create_manual_replica(agent)
        for surplus in standing[1:]:
            self._db.execute(
                "UPDATE replica_instances SET is_active = 0, status = 'terminated', terminated_at = NOW()"
                " WHERE id = %s",
                (surplus["id"],),
            )
        promoted = self._db.fetch_one(
            "SELECT id FROM replica_instances"
            " WHERE agent_id = %s AND status = 'promoted' AND promoted_at >= %s LIMIT 1",
            (agent["id"], self._db.now() - PROMOTION_LIFE),
        )
        # Nothing remembers that this promotion was answered: each pass of the next five minutes makes one more.
        if promoted:
            self._stopped.wait(self._settle)
            self._create_manual_replica(agent)

    def _create_manual_replica(self, agent: Row) -> None:
        instance = self._active_instance(agent)
        if instance is None:
            return
        pools = self._db.fetch_all(
            """
            SELECT p.id, p.az, (SELECT s.price FROM spot_price_snapshots s
                                WHERE s.pool_id = p.id AND s.captured_at >= %s
                                ORDER BY s.captured_at DESC, s.id DESC LIMIT 1) AS price
            FROM spot_pools p WHERE p.instance_type = %s AND p.region = %s
            ORDER BY CASE WHEN price IS NULL THEN 1 ELSE 0 END, price, p.id LIMIT 2
            """,
            (self._db.now() - PRICE_LIFE, instance["instance_type"], instance["region"]),
        )
        if not pools:
            logger.error("No pool for a replica of agent %s", agent["id"])
            return
        pool = next((pool for pool in pools if pool["id"] != instance["current_pool_id"]), pools[0])
        cost = pool["price"] or FALLBACK_SPOT_PRICE
        replica_id = self._insert_replica(agent, instance, pool, "manual", "manual", cost)
        self._db.execute(
            "UPDATE agents SET current_replica_id = %s, replica_count = 1 WHERE id = %s", (replica_id, agent["id"])
        )

    # Both modes

    def _standing_replicas(self, agent: Row) -> list[Row]:
        return self._db.fetch_all(
            "SELECT id FROM replica_instances WHERE agent_id = %s AND is_active = 1"
            " AND status NOT IN ('terminated', 'promoted')",
            (agent["id"],),
        )

    def _active_instance(self, agent: Row) -> Row | None:
        """The agent's active instance. A second one is an error, which ends the pass."""
        instance = self._db.fetch_one(
            "SELECT instance_type, region, current_pool_id FROM instances WHERE agent_id = %s AND is_active = 1",
            (agent["id"],),
        )
        if instance is None:
            logger.error("Agent %s has no active instance", agent["id"])
        return instance

    def _insert_replica(
        self, agent: Row, instance: Row, pool: Row, prefix: str, replica_type: str, hourly_cost: Any
    ) -> str:
        replica_id = str(uuid.uuid4())
        self._db.execute(
            "INSERT INTO replica_instances (id, agent_id, instance_id, replica_type, pool_id, instance_type, region,"
            " az, status, created_by, parent_instance_id, hourly_cost, is_active)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'launching', 'coordinator', %s, %s, 1)",
            (
                replica_id,
                agent["id"],
                f"{prefix}-{replica_id[:8]}",
                replica_type,
                pool["id"],
                instance["instance_type"],
                instance["region"],
                pool["az"],
                agent["instance_id"],
                hourly_cost,
            ),
        )
        return replica_id

    # Data quality

    def check_data_quality(self) -> None:
        """Fill the gaps of every pool with a price bucket in the last 24 hours. An error ends the pass.

        Looking for duplicate buckets, which came first, could find none: their key is unique.
        """
        pools = self._db.fetch_all(
            "SELECT DISTINCT pool_id FROM pricing_snapshots_clean WHERE time_bucket >= %s ORDER BY pool_id",
            (self._db.now() - QUALITY_WINDOW,),
        )
        for pool in pools:
            self._fill_gaps(pool["pool_id"])

    def _fill_gaps(self, pool_id: str) -> None:
        now = datetime.now(UTC).replace(tzinfo=None)
        start = now - QUALITY_WINDOW
        known = self._db.fetch_all(
            "SELECT instance_type, region, az, spot_price, ondemand_price, time_bucket FROM pricing_snapshots_clean"
            " WHERE pool_id = %s AND time_bucket >= %s AND time_bucket <= %s ORDER BY time_bucket",
            (pool_id, start, now),
        )
        if len(known) < 2:
            return
        times = [row["time_bucket"] for row in known]
        # Rounded down, the first bucket lies before the window just read: it always looks missing, and the second
        # time it is inserted the unique key refuses it.
        bucket = start - (start - datetime.min) % BUCKET
        while bucket <= now:
            after = bisect_left(times, bucket)
            if after == len(times) or times[after] != bucket:
                self._insert_bucket(
                    pool_id, bucket, known[after - 1] if after else None, known[after] if after < len(known) else None
                )
            bucket += BUCKET

    def _insert_bucket(self, pool_id: str, bucket: datetime, before: Row | None, after: Row | None) -> None:
        neighbour = next(row for row in (before, after) if row)
        spot_price, on_demand_price = neighbour["spot_price"], neighbour["ondemand_price"]
        confidence = EXTENDED_CONFIDENCE
        if before and after:
            # A Decimal times a float: this raises TypeError, as it always did.
            elapsed = (bucket - before["time_bucket"]) / (after["time_bucket"] - before["time_bucket"])
            spot_price += (after["spot_price"] - before["spot_price"]) * elapsed
            on_demand_price = before["ondemand_price"] or after["ondemand_price"]
            confidence = INTERPOLATED_CONFIDENCE
        self._db.execute(
            "INSERT INTO pricing_snapshots_clean (pool_id, instance_type, region, az, spot_price, ondemand_price,"
            " time_bucket, bucket_start, bucket_end, source_type, confidence_score, data_source)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, 'interpolated', %s, 'interpolated')",
            (
                pool_id,
                neighbour["instance_type"],
                neighbour["region"],
                neighbour["az"],
                spot_price,
                on_demand_price,
                bucket,
                bucket,
                bucket + BUCKET,
                confidence,
            ),
        )
