"""Reading what an agent sends about prices; nothing about it is certain."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_POOLS = 200


@dataclass(frozen=True)
class Quote:
    """Prices in dollars an hour, None when unknown; `pools` are the cheapest ones, by id."""

    ondemand: float | None = None
    spot: float | None = None
    pools: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, pricing: Any) -> "Quote":
        """What the `pricing` object of a request says; what names no pool or no price tells nothing."""
        if not isinstance(pricing, dict):
            return cls()
        return cls(
            ondemand=_price(pricing.get("on_demand_price")),
            spot=_price(pricing.get("current_spot_price")),
            pools=_pool_prices(pricing.get("spot_pools")),
        )


def _pool_prices(pools: Any) -> dict[str, float]:
    named = [pool for pool in pools if isinstance(pool, dict)] if isinstance(pools, list) else []
    prices = {
        pool["pool_id"]: price
        for pool in named
        if isinstance(pool.get("pool_id"), str) and (price := _price(pool.get("price"))) is not None
    }
    return dict(sorted(prices.items(), key=lambda item: item[1])[:MOST_POOLS])


def _price(value: Any) -> float | None:
    """A price in dollars an hour; what is no positive number is no price."""
    return float(value) if isinstance(value, int | float) and value > 0 else None
