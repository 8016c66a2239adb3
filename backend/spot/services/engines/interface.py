"""What a decision engine is: any class that can be built, loaded and asked as described here.

An engine is configured by the name of its module and its class (`DECISION_ENGINE_MODULE`, `DECISION_ENGINE_CLASS`) or
uploaded as a file. It knows nothing of this package; docs/decision-engine.md tells how to write one.
"""

from typing import Any, Protocol

CALL_BY_NAME = ("instance", "pricing", "config", "recent_switches_count", "last_switch_time")
CALL_BY_POSITION = ("agent", "pricing", "market")
POOL_RISKS = "pool_risks"

DECISION_KEYS = (
    "instance_id",
    "risk_score",
    "recommended_action",
    "recommended_mode",
    "recommended_pool_id",
    "expected_savings_per_hour",
    "allowed",
    "reason",
)
RECOMMENDATION_KEYS = (
    "decision_type",
    "recommended_pool_id",
    "risk_score",
    "expected_savings",
    "confidence",
    "reason",
)


class DecisionEngine(Protocol):
    """An engine, built with the keywords `model_dir` and `db_connection_func`.

    `model_dir` is a directory (a Path) with the files of the model session in force, under the names they were uploaded
    with; `db_connection_func()` gives a pooled connection of the database's driver, which the engine closes.

    May also have: `version`, a text; `get_model_info()`, a list of dictionaries with any of `id`, `name`, `type`,
    `version`, `file_path`, `is_active`, `metrics`, `config`; `get_models_used()`, a list that says which models the
    decisions rest on.
    """

    def load(self) -> Any:
        """Read the models. What it returns does not matter; what it raises keeps the engine from being used."""

    def make_decision(self, *by_position: Any, **by_name: Any) -> dict[str, Any]:
        """Decide about one agent. An engine understands at least one of two ways of being called.

        By name, for `decide`: `instance` and `pricing` as the agent sent them, `config` (enabled, auto_switch_enabled,
        min_savings_percent, risk_threshold, max_switches_per_week, min_pool_duration_hours; decimals are Decimal),
        `recent_switches_count` of the last seven days, `last_switch_time` (naive UTC, or None). An engine that has a
        parameter `pool_risks` is also given the interruption risk (0 to 1) of the pools that are mentioned, from
        the interruptions of the last 30 days. Answers DECISION_KEYS; risks are 0 to 1, savings dollars an hour.

        By position, for `switch-recommendation`: the agent (instance_id, instance_type, region, current_mode,
        current_pool_id), the prices (spot_price and ondemand_price in dollars an hour, 0.0 when unknown; pool_id) and
        the market (alternative_pools: id, name, az, spot_price). Answers RECOMMENDATION_KEYS.
        """


class EngineLoadError(Exception):
    """An engine, or what it needs, cannot be loaded; the text says why."""


class EngineFaultError(Exception):
    """A loaded engine gave no usable answer; the text says why."""
