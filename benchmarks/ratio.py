"""What a benchmark gives back: ratios, each with its aim."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured: ``rounds`` of each thing in turn, with ``requests`` in a round."""

    rounds: int = 7
    requests: int = 4000


@dataclass(frozen=True, slots=True)
class Aim:
    """A bound for a ratio: at most ``value``, or with ``at_least`` at least that."""

    value: float
    at_least: bool = False

    def met_by(self, ratio: float) -> bool:
        return ratio >= self.value if self.at_least else ratio <= self.value

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.value:g}"


@dataclass(frozen=True, slots=True)
class Ratio:
    """``value`` is one measured thing over another, as ``what`` says; ``measured`` shows the two in their unit."""

    benchmark: str
    what: str
    value: float
    measured: str
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim was met, None where there is none."""
        return self.aim.met_by(self.value) if self.aim else None
