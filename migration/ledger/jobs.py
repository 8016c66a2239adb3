"""Jobs as the ledger knows them. A job is owned by legacy or by native, and run by its owner only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from migration.ledger.state import State

#: What stands for the method in the history of a job.
JOB_METHOD = "JOB"


@dataclass(frozen=True, slots=True)
class DeclaredJob:
    """What is known of a job when a server starts.

    ``replaces`` names what does the same on the old side; ``by_hand`` says what of it an operator has to switch off,
    one thing a line, because it does not follow the ledger.
    """

    name: str
    replaces: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """A job and its owner. ``updated`` (UTC), ``who`` and ``why`` belong to the last change of the owner."""

    id: int
    domain: str
    name: str
    state: State
    native_available: bool
    replaces: tuple[str, ...]
    by_hand: tuple[str, ...]
    updated: datetime
    who: str
    why: str

    @property
    def method(self) -> str:
        return JOB_METHOD

    @property
    def rule(self) -> str:
        return self.name
