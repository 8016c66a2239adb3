"""The decision engine that comes with the system.

Asked by name, it applies the rules of rules.py to prices, savings, switch limits and interruption risk. The risk of a
pool is how often it was interrupted in the last 30 days; a risk model in the model session in force takes its place
(risk_models.py says what such a model is). Asked by position, it recommends from prices alone (recommendations.py).
"""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from backend.core.clock import utc_now
from backend.spot.services.engines import rules
from backend.spot.services.engines.quotes import Quote
from backend.spot.services.engines.recommendations import recommend
from backend.spot.services.engines.risk_models import RiskModel, features, load_risk_model


class MLBasedDecisionEngine:
    """Implements interface.DecisionEngine in both ways of being called.

    The name is the one that settings, uploaded engine files and dashboards have always known; the version tells its
    decisions from those of the first engine, 1.0.0, which never made one.
    """

    version = "2.0.0"

    def __init__(self, model_dir: Path, db_connection_func: Any = None) -> None:
        self._model_dir = model_dir
        self._risk_model: RiskModel | None = None

    def load(self) -> None:
        """Load the risk model, where the session in force has one; raises ModelError."""
        self._risk_model = load_risk_model(self._model_dir)

    def make_decision(
        self,
        agent: Mapping[str, Any] | None = None,
        prices: Mapping[str, Any] | None = None,
        market: Mapping[str, Any] | None = None,
        /,
        *,
        instance: Mapping[str, Any] | None = None,
        pricing: Any = None,
        config: Mapping[str, Any] | None = None,
        recent_switches_count: int = 0,
        last_switch_time: datetime | None = None,
        pool_risks: Mapping[str, float] | None = None,
    ) -> dict[str, Any]:
        """Decide about one agent: see interface.DecisionEngine."""
        if agent is not None and prices is not None:
            return vars(
                recommend(
                    agent["current_mode"], agent["current_pool_id"], prices["spot_price"], prices["ondemand_price"]
                )
            )
        if instance is None or config is None:
            raise TypeError("make_decision() needs the instance and its config")
        now = utc_now()
        situation = _situation(instance, Quote.read(pricing), recent_switches_count, last_switch_time)
        risks = self._risks(situation, pool_risks or {}, now)
        decision = rules.decide(situation.with_risks(risks), rules.Limits.of(config), now)
        return _answer(instance.get("instance_id"), decision)

    def get_model_info(self) -> list[dict[str, Any]]:
        """The risk model, if there is one."""
        model = self._risk_model
        if model is None:
            return []
        return [
            {
                "name": model.path.stem,
                "type": "interruption_risk",
                "version": model.version,
                "file_path": model.path.name,
                "config": {"format": model.path.suffix.lower().lstrip(".")},
            }
        ]

    def get_models_used(self) -> list[str]:
        """Name and version of the risk model, if there is one."""
        return [f"{info['name']} {info['version']}" for info in self.get_model_info()]

    def _risks(self, situation: rules.Situation, known: Mapping[str, float], now: datetime) -> dict[str, float]:
        """The risk of every pool that has a price: the model's word, else how often it was interrupted."""
        prices = dict(situation.pool_prices)
        if situation.on_spot and situation.pool_id is not None and situation.spot_price is not None:
            prices[situation.pool_id] = situation.spot_price
        if self._risk_model is None or not prices or situation.ondemand_price is None:
            return dict(known)
        rows = [
            features(price, situation.ondemand_price, known.get(pool_id, 0.0), now) for pool_id, price in prices.items()
        ]
        return {**known, **dict(zip(prices, self._risk_model.scores(rows), strict=True))}


def _situation(
    instance: Mapping[str, Any], quote: Quote, recent_switches: int, last_switch_at: datetime | None
) -> rules.Situation:
    pool_id = instance.get("current_pool_id")
    return rules.Situation(
        mode=instance.get("current_mode"),
        pool_id=pool_id,
        ondemand_price=quote.ondemand,
        spot_price=quote.spot or (quote.pools.get(pool_id) if isinstance(pool_id, str) else None),
        pool_prices=quote.pools,
        recent_switches=recent_switches,
        last_switch_at=last_switch_at,
    )


def _answer(instance_id: Any, decision: rules.Decision) -> dict[str, Any]:
    return {
        "instance_id": instance_id,
        "risk_score": decision.risk,
        "recommended_action": decision.action,
        "recommended_mode": decision.mode,
        "recommended_pool_id": decision.pool_id,
        "expected_savings_per_hour": decision.savings,
        "allowed": decision.allowed,
        "reason": decision.reason,
    }
