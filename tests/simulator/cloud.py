"""The cloud as an agent sees it: machines with made-up ids, pools with prices, signals of what is to come."""

from __future__ import annotations

import random
import threading
import uuid
from dataclasses import dataclass, field

REGION = "us-east-1"
INSTANCE_TYPE = "t3.medium"
ZONES = tuple(f"{REGION}{letter}" for letter in "abcdef")
ON_DEMAND_PRICE = 0.0416


@dataclass
class Machine:
    """One instance. ``notices`` are the signals its metadata service shows now."""

    zone: str
    mode: str
    instance_id: str = field(default_factory=lambda: f"i-{uuid.uuid4().hex[:17]}")
    running: bool = True
    rebalance_recommended: bool = False
    termination_time: str | None = None

    @property
    def pool_id(self) -> str | None:
        """The spot pool it runs in."""
        return f"{INSTANCE_TYPE}.{self.zone}" if self.mode == "spot" else None


class Cloud:
    """Launches machines and quotes prices, the same ones for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.launched: list[Machine] = []

    def launch(self, mode: str = "spot", zone: str | None = None) -> Machine:
        with self._lock:
            machine = Machine(zone or self._random.choice(ZONES), mode)
            self.launched.append(machine)
            return machine

    def spot_prices(self) -> dict[str, float]:
        """Dollars an hour by zone."""
        with self._lock:
            return {zone: round(0.0115 + self._random.random() * 0.004, 4) for zone in ZONES}
