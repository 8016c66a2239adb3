"""How a replay is to be run."""

from __future__ import annotations

from dataclasses import dataclass, field

from migration.compare.registry import Registry


@dataclass(frozen=True, slots=True)
class Options:
    """``timeout`` and ``time_tolerance`` are in seconds.

    ``noise_runs`` is how often a live control is first asked everything, to learn where it doesn't agree with itself.
    ``speed`` is a multiple of the recorded pace, 0 for as fast as the sides answer. ``clear`` allows emptying named
    databases before each recording. ``use_seeds`` puts in the rows that sidecars name. ``compare_state`` compares both
    sides' databases after each recording.
    """

    registry: Registry = field(default_factory=Registry)
    noise_runs: int = 1
    workers: int = 1
    timeout: float = 30.0
    time_tolerance: float = 5.0
    speed: float = 0.0
    clear: bool = False
    use_seeds: bool = True
    compare_state: bool = True
