"""Folds the events of a run into a :class:`~migration.report.model.Report` while they come."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import UTC
from importlib.metadata import PackageNotFoundError, version

from migration.compare.verdict import Outcome, Verdict
from migration.replay.events import Event, ExchangeCompared, NoiseLearned, RunFinished, RunStarted, StateCompared
from migration.report.databases import DatabasesBuilder
from migration.report.findings import Findings
from migration.report.latency import Latencies
from migration.report.limits import Limits
from migration.report.masked import MaskedVerdict
from migration.report.model import Case, Counts, Report, RouteRow, RuleRow, Run, rule_state
from migration.report.noise import NoiseRows
from migration.report.secrets import Masker, pseudonyms


class ReportBuilder:
    """A listener: give it every event of a run, then ask for :attr:`report` (at any time; it is a snapshot).

    Of an exchange that is equal only its outcome and its durations remain, so that a run of any length fits in memory.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._stand_in = pseudonyms()
        self._started: RunStarted | None = None
        self._elapsed: float | None = None
        self._recorded: bool | None = None
        self._strayed = 0
        self._routes: dict[str, _Route] = {}
        self._room_for_cases = self._limits.cases
        self._room_for_problems = self._limits.problems
        self._noise = NoiseRows(self._stand_in, self._limits.value_characters)
        self._findings = Findings(self._limits)
        self._databases = DatabasesBuilder(self._stand_in, self._limits)

    def handle(self, event: Event) -> None:
        """Take the next event of the run."""
        match event:
            case RunStarted():
                self._started = event
            case NoiseLearned():
                self._noise.learn(event.runs, event.places)
            case ExchangeCompared():
                self._compare(event.verdict)
            case StateCompared():
                self._databases.add(event.recording, event.verdict)
            case RunFinished():
                self._elapsed = event.elapsed_seconds

    @property
    def report(self) -> Report:
        """What is known so far. Raises ValueError before the run has started."""
        if self._started is None:
            raise ValueError("There is no report yet: the run has not started.")
        routes = dict(sorted(self._routes.items()))
        outcomes: Counter[Outcome] = Counter()
        for route in routes.values():
            outcomes.update(route.outcomes)
        return Report(
            run=self._facts(self._started),
            summary=Counts.of(outcomes),
            routes=tuple(route.row(name) for name, route in routes.items()),
            findings=tuple(self._findings.kept),
            causes=self._findings.causes(),
            details=tuple(self._findings.details),
            errors=tuple(self._findings.errors),
            accepted=self._findings.accepted(),
            noise=self._noise.rows(),
            rules=self._rules(self._started),
            cases={name: tuple(route.cases) for name, route in routes.items()},
            differences=self._findings.differences,
            causes_omitted=self._findings.causes_omitted,
            databases=self._databases.databases,
        )

    def _compare(self, verdict: Verdict) -> None:
        masked = MaskedVerdict(verdict, self._stand_in, self._limits)
        route = self._routes.setdefault(verdict.route, _Route())
        route.add(verdict)
        if verdict.control is not None and self._recorded is not False:
            self._recorded = verdict.control == verdict.exchange.response
        if verdict.control is not None and verdict.exchange.response is not None:
            self._strayed += verdict.control.status != verdict.exchange.response.status
        self._noise.set_aside(masked)
        self._findings.add(masked)
        if self._room_for_cases:
            self._room_for_cases -= 1
            route.cases.append(self._case(masked))

    def _case(self, masked: MaskedVerdict) -> Case:
        verdict = masked.verdict
        problem = ""
        if verdict.outcome in (Outcome.DIFFERENT, Outcome.ERROR):
            problem = masked.problem if self._room_for_problems else sys.intern(masked.places or "not compared")
            self._room_for_problems -= bool(self._room_for_problems)
        return Case(
            recording=verdict.exchange.recording,
            index=verdict.exchange.index,
            label=masked.label,
            outcome=verdict.outcome,
            seconds=verdict.candidate.elapsed_ms / 1000 if verdict.candidate else 0.0,
            problem=problem,
            notes=sys.intern(masked.notes),
        )

    def _facts(self, started: RunStarted) -> Run:
        masker = Masker(self._stand_in)
        return Run(
            control=masker.text(started.control),
            candidate=masker.text(started.candidate),
            recordings=started.recordings,
            started=started.started.astimezone(UTC),
            workers=started.workers,
            planned=started.exchanges,
            noise_exchanges=started.noise_exchanges,
            noise_runs=self._noise.runs,
            tool_version=_tool_version(),
            control_recorded=bool(self._recorded),
            control_strayed=self._strayed,
            elapsed_seconds=self._elapsed,
        )

    def _rules(self, started: RunStarted) -> tuple[RuleRow, ...]:
        today = started.started.astimezone(UTC).date()
        uses = self._findings.uses + self._databases.uses
        rules = dict.fromkeys((*started.rules, *uses))
        return tuple(RuleRow(rule, uses[rule], rule_state(rule, today)) for rule in rules)


class _Route:
    """One route while the run goes on."""

    def __init__(self) -> None:
        self.outcomes: Counter[Outcome] = Counter()
        self.cases: list[Case] = []
        self._control = Latencies()
        self._candidate = Latencies()

    def add(self, verdict: Verdict) -> None:
        self.outcomes[verdict.outcome] += 1
        if verdict.control is not None:
            self._control.add(verdict.control.elapsed_ms)
        if verdict.candidate is not None:
            self._candidate.add(verdict.candidate.elapsed_ms)

    def row(self, name: str) -> RouteRow:
        return RouteRow(name, Counts.of(self.outcomes), self._control.summary(), self._candidate.summary())


def _tool_version() -> str:
    try:
        return version("cutover")
    except PackageNotFoundError:
        return "unreleased"
