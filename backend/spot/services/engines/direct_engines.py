"""Engines of the old shape, which only understand being called by position, asked for decisions all the same."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backend.core.clock import utc_now
from backend.spot.services.engines.quotes import Quote
from backend.spot.services.engines.rules import Limits, reason_to_wait

MOST_ALTERNATIVES = 5
TARGET_MODES = {"switch_to_spot": "spot", "switch_to_ondemand": "ondemand"}


class DirectEngine:
    """Puts the question of `decide` to an engine in its own terms, and its answer in those of `decide`.

    Such an engine knows nothing of the agent's limits: they decide here whether what it recommends is allowed.
    """

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def make_decision(
        self,
        *,
        instance: Mapping[str, Any],
        pricing: Any,
        config: Mapping[str, Any],
        recent_switches_count: int,
        last_switch_time: datetime | None,
    ) -> dict[str, Any]:
        """See interface.DecisionEngine."""
        mode, pool_id = instance.get("current_mode"), instance.get("current_pool_id")
        answer = self._engine.make_decision(*_question(instance, Quote.read(pricing)))
        target = TARGET_MODES.get(answer["decision_type"])
        if target is None:
            return _answer(instance, answer, "stay", mode, pool_id, False, answer["reason"])
        wait = reason_to_wait(Limits.of(config), recent_switches_count, last_switch_time, utc_now())
        reason = f"{answer['reason']}; held back: {wait}" if wait else answer["reason"]
        place = answer["recommended_pool_id"]
        return _answer(instance, answer, answer["decision_type"], target, place, wait is None, reason)


def _question(instance: Mapping[str, Any], quote: Quote) -> tuple[dict[str, Any], ...]:
    pool_id = instance.get("current_pool_id")
    others = [(name, price) for name, price in quote.pools.items() if name != pool_id]
    return (
        {
            "instance_id": instance.get("instance_id"),
            "instance_type": instance.get("instance_type"),
            "region": instance.get("region"),
            "current_mode": instance.get("current_mode"),
            "current_pool_id": pool_id,
        },
        {"spot_price": quote.spot or 0.0, "ondemand_price": quote.ondemand or 0.0, "pool_id": pool_id},
        {
            "alternative_pools": [
                {"id": name, "name": None, "az": None, "spot_price": price}
                for name, price in others[:MOST_ALTERNATIVES]
            ]
        },
    )


def _answer(
    instance: Mapping[str, Any],
    answer: Mapping[str, Any],
    action: str,
    mode: Any,
    pool_id: Any,
    allowed: bool,
    reason: Any,
) -> dict[str, Any]:
    return {
        "instance_id": instance.get("instance_id"),
        "risk_score": answer["risk_score"],
        "recommended_action": action,
        "recommended_mode": mode,
        "recommended_pool_id": pool_id,
        "expected_savings_per_hour": 0.0 if action == "stay" else answer["expected_savings"],
        "allowed": allowed,
        "reason": reason,
    }
