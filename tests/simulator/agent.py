"""Agent 4.0.0, as far as its server can tell: what it sends, what it reads, and how often.

Written from what the real agent sends and reads. Registration, heartbeats, commands, configuration, prices, clean-up,
rebalance recommendations, termination notices and replicas; the machines are a Cloud's.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulator.calls import Session
from tests.simulator.cloud import INSTANCE_TYPE, ON_DEMAND_PRICE, REGION, Cloud, Machine

VERSION = "4.0.0"
MANUAL_PRIORITY = 50


@dataclass(frozen=True)
class Timing:
    """Seconds between two of a kind; the defaults are the real agent's."""

    heartbeat: float = 30
    commands: float = 15
    config: float = 60
    pricing: float = 300
    termination: float = 5
    rebalance: float = 30
    cleanup: float = 3600
    first_cleanup: float = 60
    replicas: float = 30

    def faster(self, times: float) -> Timing:
        """The same rhythm, `times` as fast."""
        return Timing(**{name: seconds / times for name, seconds in vars(self).items()})


@dataclass
class Agent:
    """One agent on one machine. Every method sends what the real one would send; `live` does it all by the clock."""

    session: Session
    cloud: Cloud
    token: str
    logical_id: str
    machine: Machine
    timing: Timing = field(default_factory=Timing)
    agent_id: str = ""
    enabled: bool = True
    executed: list[str] = field(default_factory=list)
    replicas: dict[str, Machine] = field(default_factory=dict)
    failovers: list[dict[str, Any]] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def register(self) -> bool:
        """Whether the server took the agent in; without that the real one ends."""
        body = {
            "client_token": self.token,
            "hostname": self.logical_id,
            "instance_id": self.machine.instance_id,
            "instance_type": INSTANCE_TYPE,
            "region": REGION,
            "az": self.machine.zone,
            "ami_id": "ami-000050f7a0e5e0224",
            "agent_version": VERSION,
            "logical_agent_id": self.logical_id,
            "mode": self.machine.mode,
            "private_ip": "10.0.0.21",
            "public_ip": "54.0.0.21",
        }
        answer = self.session.post("/api/agents/register", body)
        if not answer or not answer.get("agent_id"):
            return False
        self.agent_id = answer["agent_id"]
        self.enabled = bool((answer.get("config") or {}).get("enabled", True))
        return True

    def beat(self) -> None:
        body = {
            "status": "online" if self.enabled else "disabled",
            "monitored_instances": [self.machine.instance_id],
            "instance_id": self.machine.instance_id,
            "instance_type": INSTANCE_TYPE,
            "mode": self.machine.mode,
            "az": self.machine.zone,
        }
        self.session.post(self._path("heartbeat"), body)

    def read_config(self) -> None:
        answer = self.session.get(self._path("config"))
        if answer:
            self.enabled = bool(answer.get("enabled", True))

    def poll_commands(self) -> None:
        """Carry out the first command that is waiting, if any."""
        if not self.enabled:
            return
        answer = self.session.get(self._path("pending-commands"))
        waiting = answer if isinstance(answer, list) else []
        if waiting:
            self._execute(waiting[0])

    def report_prices(self) -> None:
        prices = self.cloud.spot_prices()
        on_spot = self.machine.mode == "spot"
        pools = [
            {"pool_id": f"{INSTANCE_TYPE}.{zone}", "instance_type": INSTANCE_TYPE, "az": zone, "price": price}
            for zone, price in prices.items()
        ]
        cheapest = min(pools, key=lambda pool: pool["price"])
        body = {
            "instance": {
                "instance_id": self.machine.instance_id,
                "instance_type": INSTANCE_TYPE,
                "region": REGION,
                "az": self.machine.zone,
                "mode": self.machine.mode,
                "pool_id": self.machine.pool_id,
            },
            "pricing": {
                "on_demand_price": ON_DEMAND_PRICE,
                "current_spot_price": prices[self.machine.zone] if on_spot else None,
                "cheapest_pool": {"pool_id": cheapest["pool_id"], "price": cheapest["price"]} if on_spot else None,
                "spot_pools": pools,
                "collected_at": _now(),
            },
        }
        self.session.post(self._path("pricing-report"), body)

    def report_cleanup(self) -> None:
        body = {
            "timestamp": _now(),
            "snapshots": {"type": "snapshots", "deleted": [], "failed": [], "cutoff_date": _now(days=-7)},
            "amis": {
                "type": "amis",
                "deleted_amis": [],
                "deleted_snapshots": [],
                "failed": [],
                "cutoff_date": _now(-30),
            },
        }
        self.session.post(self._path("cleanup-report"), body)

    def check_rebalance(self) -> None:
        """Tell a rebalance recommendation once, and ask for a replica."""
        if self.machine.rebalance_recommended and self._first("rebalance"):
            detected = {"instance_id": self.machine.instance_id, "detected_at": _now()}
            self.session.post(self._path("rebalance-recommendation"), detected)
            wanted = {"signal_type": "rebalance-recommendation", "instance_id": self.machine.instance_id}
            self.session.post(self._path("create-emergency-replica"), wanted)

    def check_termination(self) -> None:
        """Tell a termination notice once; when a replica has taken over, go on as that one."""
        if self.machine.termination_time is None or not self._first("termination"):
            return
        body = {
            "instance_id": self.machine.instance_id,
            "termination_time": self.machine.termination_time,
            "detected_at": _now(),
        }
        answer = self.session.post(self._path("termination-imminent"), body)
        if answer and answer.get("success"):
            self.failovers.append(answer)
            self.machine.running = False
            machines = {machine.instance_id: machine for machine in self.replicas.values()}
            self.machine = machines.get(answer["new_instance_id"], self.machine)

    def poll_replicas(self) -> None:
        """Launch the replicas the server wants, and report them until they are ready."""
        answer = self.session.get(self._path("replicas?status=launching"))
        wanted = answer.get("replicas", []) if isinstance(answer, dict) else answer or []
        for replica in wanted:
            if all(replica.get(key) for key in ("id", "pool_id", "az")):
                self._launch(replica)

    def stop(self) -> None:
        self.session.post(self._path("heartbeat"), {"status": "offline", "monitored_instances": []})
        self.session.close()

    def live(self, stopped: threading.Event) -> None:
        """Register, then do everything in its rhythm until `stopped` is set, then say goodbye."""
        if not self.register():
            return
        timing = self.timing
        duties: tuple[tuple[Callable[[], None], float, float], ...] = (
            (self.beat, 0, timing.heartbeat),
            (self.poll_commands, 0, timing.commands),
            (self.read_config, 0, timing.config),
            (self.report_prices, 0, timing.pricing),
            (self.check_termination, 0, timing.termination),
            (self.check_rebalance, 0, timing.rebalance),
            (self.poll_replicas, 0, timing.replicas),
            (self.report_cleanup, timing.first_cleanup, timing.cleanup),
        )
        began = time.monotonic()
        queue = [(began + first, number) for number, (_, first, _) in enumerate(duties)]
        heapq.heapify(queue)
        while True:
            due, number = heapq.heappop(queue)
            if stopped.wait(max(0.0, due - time.monotonic())):
                break
            duty, _, every = duties[number]
            duty()
            heapq.heappush(queue, (max(due + every, time.monotonic()), number))
        self.stop()

    def _execute(self, command: dict[str, Any]) -> None:
        if command.get("command_type", "switch") != "switch":
            return
        old = self.machine
        pool = command.get("target_pool_id") or ""
        new = self.cloud.launch(command["target_mode"], pool.rpartition(".")[2] or old.zone)
        self.machine = new
        self._report_switch(old, new, command)
        self.executed.append(command["id"])
        path = self._path(f"commands/{command['id']}/executed")
        self.session.post(path, {"success": True, "message": "Switch completed"})
        if command.get("terminate_wait_seconds"):
            old.running = False

    def _report_switch(self, old: Machine, new: Machine, command: dict[str, Any]) -> None:
        prices = self.cloud.spot_prices()
        spot = {
            f"{side}_spot": prices[machine.zone]
            for side, machine in (("old", old), ("new", new))
            if machine.mode == "spot"
        }
        body = {
            "old_instance": _described(old),
            "new_instance": _described(new),
            "snapshot": {"used": False},
            "prices": {"on_demand": ON_DEMAND_PRICE, **spot},
            "timing": {
                "switch_initiated_at": _now(),
                "new_instance_launched_at": _now(),
                "new_instance_ready_at": _now(),
                "traffic_switched_at": _now(),
            },
            "trigger": "manual" if command.get("priority", 0) >= MANUAL_PRIORITY else "model",
        }
        self.session.post(self._path("switch-report"), body)

    def _launch(self, replica: dict[str, Any]) -> None:
        began = _now()
        machine = self.cloud.launch("spot", replica["az"])
        self.replicas[replica["id"]] = machine
        path = self._path(f"replicas/{replica['id']}")
        self.session.put(path, {"instance_id": machine.instance_id, "status": "syncing"})
        self.session.post(f"{path}/status", {"status": "syncing", "sync_started_at": began})
        self.session.post(f"{path}/status", {"status": "ready", "sync_completed_at": _now()})

    def _first(self, signal: str) -> bool:
        """Whether this machine's signal is new."""
        name = f"{signal} of {self.machine.instance_id}"
        if name in self._seen:
            return False
        self._seen.add(name)
        return True

    def _path(self, rest: str) -> str:
        return f"/api/agents/{self.agent_id}/{rest}"


def _described(machine: Machine) -> dict[str, Any]:
    return {
        "instance_id": machine.instance_id,
        "instance_type": INSTANCE_TYPE,
        "region": REGION,
        "az": machine.zone,
        "ami_id": "ami-000050f7a0e5e0224",
        "mode": machine.mode,
        "pool_id": machine.pool_id,
    }


def _now(days: float = 0) -> str:
    """The time as this agent writes it: with microseconds and an offset."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()
