"""What is known about two sides when their databases are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from migration.compare.bindings import Bindings
from migration.compare.times import Clock


def _nothing(value: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Terms:
    """``bindings`` and ``clock`` as the answers taught them; both may be new. ``minted`` tells whether control made a
    value up, as in :class:`~migration.compare.knowledge.Knowledge`."""

    bindings: Bindings = field(default_factory=Bindings)
    clock: Clock = field(default_factory=Clock)
    minted: Callable[[str], bool] = _nothing
