"""What the default engine recommends from prices alone, whatever the agent's limits: the first rule that fits."""

from dataclasses import dataclass

HIGHEST_SPOT_SHARE = 0.8
GOOD_SAVINGS_PERCENT = 30


@dataclass(frozen=True)
class Recommendation:
    """One outcome of the rules. Savings are dollars an hour, risk and confidence 0 to 1."""

    decision_type: str
    recommended_pool_id: str | None
    risk_score: float
    expected_savings: float
    confidence: float
    reason: str


def recommend(mode: str | None, pool_id: str | None, spot: float, ondemand: float) -> Recommendation:
    """The first rule that fits, for prices in dollars an hour (0 = unknown)."""
    on_spot = mode == "spot"
    stay, pool = staying(mode), pool_id if on_spot else None
    if ondemand == 0:
        return Recommendation(stay, None, 0.0, 0.0, 0.5, "Insufficient pricing data")
    percent = (ondemand - spot) / ondemand * 100
    if spot / ondemand > HIGHEST_SPOT_SHARE:
        reason = f"Spot price too high ({percent:.1f}% savings only)"
        return Recommendation("switch_to_ondemand", None, 0.6, 0.0, 0.7, reason)
    if percent > GOOD_SAVINGS_PERCENT and not on_spot:
        reason = f"Good savings opportunity ({percent:.1f}% cheaper than on-demand)"
        return Recommendation("switch_to_spot", pool_id, 0.2, ondemand - spot, 0.8, reason)
    reason = f"Current mode is optimal ({percent:.1f}% savings)"
    return Recommendation(stay, pool, 0.3, max(0.0, ondemand - spot), 0.6, reason)


def recommend_without_engine(mode: str | None, pool_id: str | None, spot: float, ondemand: float) -> Recommendation:
    """What is recommended while no engine is loaded: to stay."""
    known = bool(spot and ondemand)
    percent = (ondemand - spot) / ondemand * 100 if known else 0.0
    reason = f"Current configuration optimal ({percent:.1f}% savings)"
    return Recommendation(staying(mode), pool_id, 0.3, ondemand - spot if known else 0, 0.6, reason)


def staying(mode: str | None) -> str:
    """The decision type of an agent that stays where it is; whatever is not spot counts as on demand."""
    return "stay_spot" if mode == "spot" else "stay_ondemand"
