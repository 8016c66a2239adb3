"""Times: their written form, and whether two of them are the same moment on two clocks that started apart."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from math import ceil, floor
from typing import Any

_ISO = re.compile(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:(?P<separator>[T ])(?P<clock>\d{2}:\d{2}(?::\d{2})?)"
    r"(?:(?P<point>[.,])(?P<fraction>\d+))?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?"
)
DAY = 86_400.0
_SHORTEST = len("2026-11-21")

#: A request's time further than this from its recording is a fact of the business (a birthday), not of the clock.
SHIFT_WINDOW = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Moment:
    """A written time: seconds since the epoch (UTC assumed where no zone is written), its form, and its grain."""

    epoch: float
    form: str
    grain: float


def parse_time(text: str) -> Moment | None:
    """The moment that ``text`` writes, or None if it is no valid time; equally written times have equal ``form``."""
    match = _ISO.fullmatch(text)
    if match is None:
        return _parse_imf_fixdate(text)
    try:
        moment = datetime.fromisoformat(f"{match['date']}T{match['clock'] or '00:00'}{_zone(match)}")
    except ValueError:
        return None
    fraction = float(f"0.{match['fraction']}") if match["fraction"] else 0.0
    if match["clock"] is None:
        return Moment(moment.timestamp(), "date", DAY)
    digits = len(match["fraction"] or "")
    form = f"{match['separator']}{len(match['clock'])}{match['point'] or ''}{digits}{match['zone'] or ''}"
    return Moment(moment.timestamp() + fraction, form, 1.0 if len(match["clock"]) == 8 else 60.0)


def _zone(match: re.Match[str]) -> str:
    zone = match["zone"]
    return "+00:00" if zone in (None, "Z") else zone


def _parse_imf_fixdate(text: str) -> Moment | None:
    try:
        return Moment(parsedate_to_datetime(text).timestamp(), "IMF-fixdate", 1.0)
    except ValueError:
        return None


def times_in(record: Any, path: str = "") -> set[tuple[str, str]]:
    """The times in a record of JSON, as whole seconds since the epoch, with their places in it."""
    if isinstance(record, dict):
        return {found for key, value in record.items() for found in times_in(value, f"{path}.{key}")}
    if isinstance(record, str) and len(record) >= _SHORTEST:
        moment = parse_time(record)
        return {(path, str(int(moment.epoch)))} if moment else set()
    return set()


def shift_time(text: str, recorded: datetime, now: datetime) -> str:
    """``text``, a time in a recorded request, as it would be written today: same form, same distance to its request.

    Dates move by whole days. Times further than :data:`SHIFT_WINDOW` from ``recorded`` stay.
    """
    moment = parse_time(text)
    if moment is None or abs(moment.epoch - recorded.timestamp()) > SHIFT_WINDOW.total_seconds():
        return text
    match = _ISO.fullmatch(text)
    if match is None:
        shifted = datetime.fromtimestamp(moment.epoch, UTC) + (now - recorded)
        return format_datetime(shifted.replace(microsecond=0), usegmt=True)
    if match["clock"] is None:
        days = (now.astimezone(UTC).date() - recorded.astimezone(UTC).date()).days
        return (datetime.fromisoformat(text) + timedelta(days=days)).date().isoformat()
    written = datetime.fromisoformat(f"{match['date']}T{match['clock']}{_zone(match)}")
    digits = match["fraction"] or ""
    written += timedelta(seconds=float(f"0.{digits or 0}")) + (now - recorded)
    clock = written.strftime("%H:%M:%S" if len(match["clock"]) == 8 else "%H:%M")
    fraction = f"{match['point']}{f'{written.microsecond:06d}000'[: len(digits)]}" if digits else ""
    return f"{written:%Y-%m-%d}{match['separator']}{clock}{fraction}{match['zone'] or ''}"


@dataclass(frozen=True, slots=True)
class Span:
    """From one moment to another, in epoch seconds."""

    begin: float
    end: float

    def holds(self, epoch: float, grain: float) -> bool:
        """Whether a moment written with this ``grain`` may lie in the span."""
        return self.begin - grain < epoch <= self.end


@dataclass(slots=True)
class Clock:
    """How far candidate's clock lies from control's, known from the moments at which each exchange was sent.

    A fast replay squeezes the time between exchanges, so a stored moment may lie anywhere between the smallest and
    the largest distance seen so far; two sides that run side by side have one distance, near zero.
    ``tolerance`` (seconds) allows for the time between sending a request and its being written down.
    """

    tolerance: float = 5.0
    _nearest: float | None = field(default=None)
    _farthest: float | None = field(default=None)
    _starts: tuple[Span, Span] | None = field(default=None)

    def start(self, control: Span | None, candidate: Span | None) -> None:
        """Both sides were started in these spans, each as long as it took: what they wrote meanwhile is one moment."""
        self._starts = (control, candidate) if control is not None and candidate is not None else None

    def observe(self, control: float, candidate: float) -> None:
        """An exchange was sent at these moments (epoch seconds) on the two sides."""
        distance = candidate - control
        self._nearest = distance if self._nearest is None else min(self._nearest, distance)
        self._farthest = distance if self._farthest is None else max(self._farthest, distance)

    def agrees(self, control: float, candidate: float, grain: float = 1.0, *, tolerance: float | None = None) -> bool:
        """Whether candidate's moment can be the same as control's; ``grain`` is the coarseness of both, in seconds."""
        nearest, farthest = self._nearest or 0.0, self._farthest or 0.0
        tolerance = self.tolerance if tolerance is None else tolerance
        if grain < 60.0:
            return self.gap(control, candidate) <= tolerance or self._both_start(control, candidate, grain)
        earliest = (control + nearest - tolerance) // grain * grain
        latest = (control + grain - 1.0 + farthest + tolerance) // grain * grain
        if self._side_by_side(nearest, farthest, tolerance):
            return self._same_grain_now(control, candidate, grain)
        return earliest <= candidate <= latest

    def gap(self, control: float, candidate: float) -> float:
        """Seconds by which candidate's moment lies outside of what the distances seen so far allow; 0 is inside."""
        nearest, farthest = self._nearest or 0.0, self._farthest or 0.0
        return max(control + nearest - candidate, candidate - control - farthest, 0.0)

    def is_early(self, control: float, candidate: float) -> bool:
        """Whether candidate's moment lies before any that can be the same as control's."""
        return candidate < control + (self._nearest or 0.0)

    def days_apart(self) -> tuple[int, int]:
        """The fewest and the most days by which the date of an event on candidate's clock can follow control's.

        They differ where the clocks don't show the same time of day; side by side both are 0.
        """
        nearest, farthest = self._nearest or 0.0, self._farthest or 0.0
        if self._side_by_side(nearest, farthest, self.tolerance):
            return 0, 0
        return floor((nearest - self.tolerance) / DAY), ceil((farthest + self.tolerance) / DAY)

    def _both_start(self, control: float, candidate: float, grain: float) -> bool:
        if self._starts is None:
            return False
        ours, theirs = self._starts
        return ours.holds(control, grain) and theirs.holds(candidate, grain)

    @staticmethod
    def _side_by_side(nearest: float, farthest: float, tolerance: float) -> bool:
        return farthest - nearest < tolerance and abs(nearest) < tolerance

    def _same_grain_now(self, control: float, candidate: float, grain: float) -> bool:
        """Side by side, dates are equal; only around their turn may they differ by one."""
        if control == candidate:
            return True
        turn = max(control, candidate)
        now = datetime.now(UTC).timestamp()
        return abs(control - candidate) <= grain and abs(now - turn) <= 60.0
