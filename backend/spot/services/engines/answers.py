"""Making sure that an engine's answer is one that can be sent, kept and relied on."""

import json
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from backend.spot.services.engines.interface import DECISION_KEYS, RECOMMENDATION_KEYS, EngineFaultError


def checked_decision(answer: Any) -> dict[str, Any]:
    """A decision as it will be sent; raises EngineFaultError."""
    decision = _checked(answer, DECISION_KEYS, numbers=("risk_score", "expected_savings_per_hour"))
    if not isinstance(decision["allowed"], bool):
        raise EngineFaultError(f"'allowed' is {decision['allowed']!r}, not true or false")
    return decision


def checked_recommendation(answer: Any) -> dict[str, Any]:
    """A recommendation as it will be sent; raises EngineFaultError."""
    return _checked(answer, RECOMMENDATION_KEYS, numbers=("risk_score", "expected_savings", "confidence"))


def as_plain(answer: Any) -> Any:
    """A copy made of what JSON knows; raises EngineFaultError."""
    try:
        return json.loads(json.dumps(answer, default=_plain, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise EngineFaultError(f"The engine's answer is no JSON: {error}") from error


def _checked(answer: Any, keys: Iterable[str], numbers: Iterable[str]) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise EngineFaultError(f"The engine answered {type(answer).__name__}, not a dictionary")
    plain: dict[str, Any] = as_plain(answer)
    for key in keys:
        if key not in plain:
            raise EngineFaultError(f"The engine's answer lacks '{key}'")
    for key in numbers:
        if isinstance(plain[key], bool) or not isinstance(plain[key], int | float):
            raise EngineFaultError(f"'{key}' is {plain[key]!r}, not a number")
    if not 0 <= plain["risk_score"] <= 1:
        raise EngineFaultError(f"'risk_score' is {plain['risk_score']}, not between 0 and 1")
    return plain


def _plain(value: Any) -> Any:
    """Decimals and what numpy makes become numbers, times become texts."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real | Decimal):
        return float(value)
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no place in it")
