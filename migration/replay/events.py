"""What a run tells while it runs. Progress bars and reports listen; the run doesn't know them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from migration.compare.verdict import NoisePlace, Rule, Verdict
from migration.state.verdict import StateVerdict


@dataclass(frozen=True, slots=True)
class RunStarted:
    """``exchanges`` counts those that will be compared; ``noise_exchanges`` those sent before, to learn noise."""

    control: str
    candidate: str
    recordings: tuple[str, ...]
    exchanges: int
    noise_exchanges: int
    workers: int
    rules: tuple[Rule, ...]
    started: datetime


@dataclass(frozen=True, slots=True)
class RecordingStarted:
    name: str
    exchanges: int
    learning: bool = False


@dataclass(frozen=True, slots=True)
class ExchangeLearned:
    """One exchange of a control-against-control run is done."""

    recording: str


@dataclass(frozen=True, slots=True)
class NoiseLearned:
    """What control-against-control runs showed."""

    runs: int
    places: tuple[NoisePlace, ...]


@dataclass(frozen=True, slots=True)
class ExchangeCompared:
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class StateCompared:
    """What both sides' databases hold after a recording was replayed."""

    recording: str
    verdict: StateVerdict


@dataclass(frozen=True, slots=True)
class RunFinished:
    elapsed_seconds: float


Event = RunStarted | RecordingStarted | ExchangeLearned | NoiseLearned | ExchangeCompared | StateCompared | RunFinished
Events = Iterator[Event]
