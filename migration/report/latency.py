"""Latencies of a side, gathered in little memory, and their percentiles."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

from migration.report.model import Latency


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of a sorted, non-empty sequence: always one of its values, none interpolated."""
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


class Latencies:
    """Durations in ms, eight bytes each."""

    def __init__(self) -> None:
        self._values = array("d")

    def add(self, milliseconds: float) -> None:
        self._values.append(milliseconds)

    def summary(self) -> Latency | None:
        """None where nothing was measured."""
        if not self._values:
            return None
        ordered = sorted(self._values)
        return Latency(p50=percentile(ordered, 50), p95=percentile(ordered, 95))
