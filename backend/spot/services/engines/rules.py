"""The rules of the default engine: given what is known, stay or switch?

1. Without an on-demand price nothing can be compared: stay.
2. A spot pool is a good place when its risk is at most `risk_threshold` and it saves at least `min_savings_percent`
   of the on-demand price.
3. An agent that is on spot in a good place stays. One that is not goes to the cheapest good place, else on demand.
4. An agent that is not on spot goes to the cheapest good place, else it stays.
5. A switch is allowed unless automatic switching is off, the week's switches are used up, or the agent was switched
   less than `min_pool_duration_hours` ago. What is not allowed is still recommended, with the reason.

Pure: no database, no clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What the agent may do. Savings are percent of the on-demand price, the risk is 0 to 1."""

    auto_switch_enabled: bool
    min_savings_percent: float
    risk_threshold: float
    max_switches_per_week: int
    min_pool_duration_hours: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Limits":
        """The limits in the `config` that engines are given."""
        return cls(
            auto_switch_enabled=bool(config["auto_switch_enabled"]),
            min_savings_percent=float(config["min_savings_percent"]),
            risk_threshold=float(config["risk_threshold"]),
            max_switches_per_week=int(config["max_switches_per_week"]),
            min_pool_duration_hours=int(config["min_pool_duration_hours"]),
        )


@dataclass(frozen=True)
class Situation:
    """What is known. Prices are dollars an hour, None when unknown."""

    mode: str | None
    pool_id: str | None
    ondemand_price: float | None
    spot_price: float | None
    pool_prices: Mapping[str, float] = field(default_factory=dict)
    pool_risks: Mapping[Any, float] = field(default_factory=dict)
    recent_switches: int = 0
    last_switch_at: datetime | None = None

    def with_risks(self, risks: Mapping[Any, float]) -> "Situation":
        """The same situation with these risks, by pool."""
        return replace(self, pool_risks=risks)

    @property
    def on_spot(self) -> bool:
        """Whether the agent runs on spot capacity now."""
        return self.mode == "spot"

    @property
    def current_price(self) -> float | None:
        """What the agent costs now."""
        return self.spot_price if self.on_spot else self.ondemand_price

    @property
    def current_risk(self) -> float:
        """The risk of where the agent is now; on demand nothing is interrupted."""
        return self.pool_risks.get(self.pool_id, 0.0) if self.on_spot else 0.0


@dataclass(frozen=True)
class Decision:
    """What to do. `action` is stay, switch_to_spot or switch_to_ondemand; savings are dollars an hour."""

    action: str
    mode: str | None
    pool_id: str | None
    risk: float
    savings: float
    allowed: bool
    reason: str


def decide(situation: Situation, limits: Limits, now: datetime) -> Decision:
    """Apply the rules. `now` is naive UTC, like `last_switch_at`."""
    ondemand = situation.ondemand_price
    if ondemand is None:
        return _stay(situation, "No on-demand price to compare with")
    if situation.on_spot and situation.spot_price is None:
        return _stay(situation, "No price of the current pool to compare with")
    trouble = _trouble(situation, limits, ondemand) if situation.on_spot else None
    if situation.on_spot and trouble is None:
        return _stay(situation, f"Current pool saves {_percent(situation.spot_price or 0.0, ondemand):.1f}%")
    place = _cheapest_good_place(situation, limits, ondemand)
    if place is not None:
        pool_id, price = place
        reason = f"{trouble}; " if trouble else ""
        reason += f"Pool {pool_id} saves {_percent(price, ondemand):.1f}%"
        risk = situation.pool_risks.get(pool_id, 0.0)
        return _switch(situation, limits, now, "spot", pool_id, price, risk, reason)
    if trouble is None:
        return _stay(situation, "No pool is cheap and calm enough")
    return _switch(situation, limits, now, "ondemand", None, ondemand, 0.0, f"{trouble}; no other pool is better")


def _percent(price: float, ondemand: float) -> float:
    return (ondemand - price) / ondemand * 100


def _trouble(situation: Situation, limits: Limits, ondemand: float) -> str | None:
    """What is wrong with the pool the agent is in, if anything."""
    if situation.current_risk > limits.risk_threshold:
        return f"Current pool has an interruption risk of {situation.current_risk:.2f}"
    saved = _percent(situation.spot_price or 0.0, ondemand)
    if saved < limits.min_savings_percent:
        return f"Current pool saves only {saved:.1f}%"
    return None


def _cheapest_good_place(situation: Situation, limits: Limits, ondemand: float) -> tuple[str, float] | None:
    good = [
        (price, pool_id)
        for pool_id, price in situation.pool_prices.items()
        if not (situation.on_spot and pool_id == situation.pool_id)
        and situation.pool_risks.get(pool_id, 0.0) <= limits.risk_threshold
        and _percent(price, ondemand) >= limits.min_savings_percent
    ]
    if not good:
        return None
    price, pool_id = min(good)
    return pool_id, price


def _stay(situation: Situation, reason: str) -> Decision:
    """There is nothing to carry out, so nothing is allowed."""
    return Decision("stay", situation.mode, situation.pool_id, situation.current_risk, 0.0, False, reason)


def _switch(
    situation: Situation,
    limits: Limits,
    now: datetime,
    mode: str,
    pool_id: str | None,
    price: float,
    risk: float,
    reason: str,
) -> Decision:
    held_back = reason_to_wait(limits, situation.recent_switches, situation.last_switch_at, now)
    savings = max(0.0, (situation.current_price or price) - price)
    if held_back:
        reason += f"; held back: {held_back}"
    return Decision(f"switch_to_{mode}", mode, pool_id, risk, savings, held_back is None, reason)


def reason_to_wait(limits: Limits, recent_switches: int, last_switch_at: datetime | None, now: datetime) -> str | None:
    """Why the agent may not be switched now, if it may not."""
    if not limits.auto_switch_enabled:
        return "automatic switching is off"
    if recent_switches >= limits.max_switches_per_week:
        return f"{recent_switches} of {limits.max_switches_per_week} switches this week are used"
    rest = timedelta(hours=limits.min_pool_duration_hours)
    if last_switch_at is not None and now - last_switch_at < rest:
        return f"the last switch is less than {limits.min_pool_duration_hours} hours ago"
    return None
