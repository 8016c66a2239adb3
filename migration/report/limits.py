"""How much of a run a report keeps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept, at most. Counts go on beyond every limit."""

    details: int = 300  # exchanges with both bodies
    details_per_cause: int = 10
    findings: int = 5_000
    findings_per_exchange: int = 100
    causes: int = 2_000
    exchanges_per_cause: int = 20
    rows: int = 2_000  # differences between the databases
    errors: int = 100  # exchanges that could not be compared
    cases: int = 200_000  # exchanges in one line
    problems: int = 5_000  # of these, with the values that differ
    value_characters: int = 4_000
    body_characters: int = 32_000
