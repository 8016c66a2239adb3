"""The report of a run as one value. Everything in it is masked and bounded: writers may show all of it.

Times are UTC, durations seconds, latencies milliseconds. "Kept" lists are bounded; the counts beside them are not.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from migration.compare.verdict import Kind, Outcome, Rule
from migration.recording.exchange import Headers
from migration.report.content import Form
from migration.report.databases import Databases
from migration.report.text import count

#: Name and version of the form of the JSON report; the number rises when a reader of the old form would break.
SCHEMA = "cutover-report/1"
#: Rules that expire within this many days are named in the report.
EXPIRY_NOTICE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Run:
    """Facts of the run. ``control_recorded``: control's answers are those of the recording, nobody was asked.

    ``control_strayed`` counts the exchanges to which a live control gave another status than the recording has: a sign
    that it was not in the state in which the recording was made, so that the run proves less than it seems to.
    """

    control: str
    candidate: str
    recordings: tuple[str, ...]
    started: datetime
    workers: int
    planned: int
    noise_exchanges: int
    noise_runs: int
    tool_version: str
    control_recorded: bool = False
    control_strayed: int = 0
    elapsed_seconds: float | None = None

    @property
    def finished(self) -> bool:
        return self.elapsed_seconds is not None


@dataclass(frozen=True, slots=True)
class Counts:
    """Exchanges by outcome."""

    equal: int = 0
    accepted: int = 0
    noise: int = 0
    different: int = 0
    errors: int = 0

    @classmethod
    def of(cls, outcomes: Mapping[Outcome, int]) -> Counts:
        return cls(
            equal=outcomes.get(Outcome.EQUAL, 0),
            accepted=outcomes.get(Outcome.ACCEPTED, 0),
            noise=outcomes.get(Outcome.NOISE, 0),
            different=outcomes.get(Outcome.DIFFERENT, 0),
            errors=outcomes.get(Outcome.ERROR, 0),
        )

    @property
    def exchanges(self) -> int:
        return self.equal + self.accepted + self.noise + self.different + self.errors

    @property
    def compared(self) -> int:
        return self.exchanges - self.errors


@dataclass(frozen=True, slots=True)
class Latency:
    """Percentiles by nearest rank, in ms."""

    p50: float
    p95: float


@dataclass(frozen=True, slots=True)
class RouteRow:
    route: str
    counts: Counts
    control: Latency | None
    candidate: Latency | None

    @property
    def ratio(self) -> float | None:
        """Candidate's median over control's; None where one is unknown or zero."""
        if self.control is None or self.candidate is None or not self.control.p50:
            return None
        return self.candidate.p50 / self.control.p50


@dataclass(frozen=True, slots=True)
class ExchangeRef:
    """Which exchange of which recording, by the place it has there."""

    recording: str
    index: int
    label: str
    session: str

    @property
    def name(self) -> str:
        return f"{self.recording} #{self.index}"


@dataclass(frozen=True, slots=True)
class Body:
    """A body to be shown. ``text`` is pretty JSON or plain text, cut where ``cut``; ``size`` is the real one in bytes.

    A binary body has no text but a ``digest`` (SHA-256).
    """

    form: Form
    size: int
    text: str = ""
    cut: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class ShownRequest:
    method: str
    target: str
    headers: Headers
    body: Body


@dataclass(frozen=True, slots=True)
class ShownResponse:
    status: int
    headers: Headers
    body: Body
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A difference with what is needed to see it again. ``cause`` numbers its :class:`Cause`, None beyond a limit."""

    route: str
    location: str
    kind: Kind
    control: Any
    candidate: Any
    detail: str
    exchange: ExchangeRef
    method: str
    target: str
    curl: str
    cause: int | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Differences that look alike: one place of one route, one kind, one change. The ``example`` is the first seen."""

    number: int
    route: str
    location: str
    kind: Kind
    count: int
    example: Finding
    exchanges: tuple[ExchangeRef, ...]


@dataclass(frozen=True, slots=True)
class Detail:
    """An exchange with differences, or one that could not be compared, in full.

    ``places`` are the locations (with indices) that count as different, that a rule accepts, and that are noise.
    ``control_request`` is None where both sides got the same request.
    """

    exchange: ExchangeRef
    route: str
    request: ShownRequest
    control_request: ShownRequest | None
    control: ShownResponse | None
    candidate: ShownResponse | None
    curl: str
    findings: tuple[Finding, ...] = ()
    accepted_places: tuple[str, ...] = ()
    noise_places: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class AcceptedRow:
    """What one rule explained: how many differences, in which routes, and the first of them."""

    rule: Rule
    count: int
    routes: tuple[str, ...]
    example: Finding


@dataclass(frozen=True, slots=True)
class NoiseRow:
    """A noisy place. ``seen``/``differed`` of control against control; ``set_aside`` differences of the comparison."""

    route: str
    location: str
    seen: int
    differed: int
    set_aside: int
    example: tuple[Any, Any]

    @property
    def rate(self) -> float:
        return self.differed / self.seen if self.seen else 0.0


class RuleState(enum.StrEnum):
    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule of the run, the number of differences it explained, and whether its time is up."""

    rule: Rule
    used: int
    state: RuleState

    @property
    def wants_attention(self) -> bool:
        return not self.used or self.state is not RuleState.ACTIVE


def rule_state(rule: Rule, today: date) -> RuleState:
    """Whether ``rule`` has expired on ``today``; what is no ISO date never expires."""
    try:
        left = (date.fromisoformat(rule.expires) - today).days
    except ValueError:
        return RuleState.ACTIVE
    if left < 0:
        return RuleState.EXPIRED
    return RuleState.EXPIRING if left <= EXPIRY_NOTICE_DAYS else RuleState.ACTIVE


@dataclass(frozen=True, slots=True)
class Case:
    """One exchange in few words, for lists of all of them: what is wrong with it, and what was explained."""

    recording: str
    index: int
    label: str
    outcome: Outcome
    seconds: float
    problem: str = ""
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run showed. Routes are sorted by name, causes and accepted rows by count, most frequent first."""

    run: Run
    summary: Counts
    routes: tuple[RouteRow, ...] = ()
    findings: tuple[Finding, ...] = ()
    causes: tuple[Cause, ...] = ()
    details: tuple[Detail, ...] = ()
    errors: tuple[Detail, ...] = ()
    accepted: tuple[AcceptedRow, ...] = ()
    noise: tuple[NoiseRow, ...] = ()
    rules: tuple[RuleRow, ...] = ()
    cases: Mapping[str, tuple[Case, ...]] = field(default_factory=dict)
    differences: int = 0
    causes_omitted: int = 0
    databases: Databases = field(default_factory=Databases)

    @property
    def different_routes(self) -> int:
        return sum(1 for row in self.routes if row.counts.different)

    @property
    def missing(self) -> int:
        """Exchanges that the run announced and never compared."""
        return max(self.run.planned - self.summary.exchanges, 0)

    @property
    def complete(self) -> bool:
        return self.run.finished and not self.missing

    @property
    def ran(self) -> bool:
        """Whether anything was compared at all."""
        return self.summary.compared > 0

    @property
    def parity(self) -> bool:
        """Whether every exchange was compared and none is different, and no database that was compared either."""
        answers = self.complete and not self.summary.different and not self.summary.errors
        return self.ran and answers and self.databases.equal

    @property
    def sentence(self) -> str:
        """The verdict, for a reader who reads one line only."""
        if not self.ran:
            why = f": {self.errors[0].error}" if self.errors else ": no exchange was compared"
            return f"Could not run{why}".rstrip(".") + "."
        said = []
        if self.summary.different:
            said.append(f"{count(self.differences, 'difference')} in {count(self.different_routes, 'route')}")
        if self.databases.found:
            tables = count(self.databases.different_tables, "table")
            said.append(f"{count(self.databases.found, 'difference')} in {tables} of the databases")
        if self.summary.errors:
            said.append(f"{count(self.summary.errors, 'exchange')} could not be compared")
        if self.databases.errors:
            said.append("the databases could not be compared")
        if not self.complete:
            said.append(f"the run stopped after {self.summary.exchanges:,} of {count(self.run.planned, 'exchange')}")
        if said:
            sentence = "; ".join(said)
            return sentence[0].upper() + sentence[1:] + "."
        compared = f"{count(self.summary.exchanges, 'exchange')} over {count(len(self.routes), 'route')}"
        if self.databases.compared:
            compared += f", {count(self.databases.rows, 'row')} in {count(len(self.databases.used), 'table')}"
        set_aside = [
            f"{number:,} {word}"
            for number, word in ((self.summary.accepted, "accepted by rules"), (self.summary.noise, "noise"))
            if number
        ]
        rest = f" ({', '.join(set_aside)})" if set_aside else ""
        return f"Parity: {compared}, no unexplained difference{rest}."
