"""The decision engine that ships with the monolith: rules, although its name promises models."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

MODEL_PATTERNS = ("*.pkl", "*.h5")


class MLBasedDecisionEngine:
    """Compares an instance's spot price with its on-demand price.

    It understands only the positional call of ``switch-recommendation``; the keyword call of ``decide`` raises
    ``TypeError``, and callers of that route rely on the fallback decision that follows.
    """

    version = "1.0.0"

    def __init__(self, model_dir: Path, db_connection_func: Callable[[], Any] | None = None) -> None:
        self.model_dir = model_dir
        self.db_connection_func = db_connection_func

    def load(self) -> None:
        """Count the model files. None is ever read."""
        found = sum(1 for pattern in MODEL_PATTERNS for _ in self.model_dir.glob(pattern))
        logger.info("%d model files in %s, deciding by rules", found, self.model_dir)

    def get_model_info(self) -> list[dict[str, Any]]:
        """Models in use, for the registry: always none."""
        return []

    def make_decision(
        self, instance_data: Mapping[str, Any], pricing_data: Mapping[str, Any], market_data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return ``decision_type, recommended_pool_id, risk_score, expected_savings, confidence, reason``.

        Prices are US dollars an hour. ``market_data`` is part of the call and has no influence.
        """
        on_spot = instance_data["current_mode"] == "spot"
        stay = "stay_spot" if on_spot else "stay_ondemand"
        pool_id = pricing_data["pool_id"]
        on_demand = pricing_data["ondemand_price"]
        spot = pricing_data["spot_price"]

        if on_demand == 0:
            return _decision(stay, None, 0.0, 0.0, 0.5, "Insufficient pricing data")

        savings = on_demand - spot
        percent = savings / on_demand * 100
        if spot / on_demand > 0.8:
            reason = f"Spot price too high ({percent:.1f}% savings only)"
            return _decision("switch_to_ondemand", None, 0.6, 0.0, 0.7, reason)
        if percent > 30 and not on_spot:
            reason = f"Good savings opportunity ({percent:.1f}% cheaper than on-demand)"
            return _decision("switch_to_spot", pool_id, 0.2, savings, 0.8, reason)
        reason = f"Current mode is optimal ({percent:.1f}% savings)"
        return _decision(stay, pool_id if on_spot else None, 0.3, max(0, savings), 0.6, reason)


def _decision(
    decision_type: str, pool_id: str | None, risk_score: float, savings: float, confidence: float, reason: str
) -> dict[str, Any]:
    return {
        "decision_type": decision_type,
        "recommended_pool_id": pool_id,
        "risk_score": risk_score,
        "expected_savings": savings,
        "confidence": confidence,
        "reason": reason,
    }


MLBasedEngine = MLBasedDecisionEngine
