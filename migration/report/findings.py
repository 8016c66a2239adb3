"""Differences, accepted differences and errors as they come in: counted without limit, kept within limits."""

from __future__ import annotations

from collections import Counter

from migration.compare.locations import fold
from migration.compare.verdict import Difference, Rule
from migration.report.causes import CauseKey, cause_of
from migration.report.limits import Limits
from migration.report.masked import MaskedVerdict
from migration.report.model import AcceptedRow, Cause, Detail, ExchangeRef, Finding


class _Tally:
    """One cause while the run goes on."""

    def __init__(self, number: int, example: Finding) -> None:
        self.number = number
        self.example = example
        self.count = 0
        self.details = 0
        self.exchanges: list[ExchangeRef] = []

    def add(self, masked: MaskedVerdict, kept: int) -> None:
        self.count += 1
        if len(self.exchanges) < kept and masked.exchange not in self.exchanges[-1:]:
            self.exchanges.append(masked.exchange)


class Findings:
    """Takes verdicts that are not equal."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._causes: dict[CauseKey, _Tally] = {}
        self._accepted: dict[Rule, AcceptedRow] = {}
        self.uses: Counter[Rule] = Counter()
        self.differences = 0
        self.causes_omitted = 0
        self.kept: list[Finding] = []
        self.details: list[Detail] = []
        self.errors: list[Detail] = []

    def add(self, masked: MaskedVerdict) -> None:
        """Count what the verdict says, and keep of it what the limits allow."""
        if masked.verdict.error is not None:
            if len(self.errors) < self._limits.errors:
                self.errors.append(masked.detail())
            return
        self._accept(masked)
        if masked.verdict.differences:
            self._differ(masked)

    def causes(self) -> tuple[Cause, ...]:
        """The causes, most frequent first."""
        tallies = sorted(self._causes.items(), key=lambda item: (-item[1].count, item[1].number))
        return tuple(
            Cause(
                tally.number,
                key.route,
                fold(tally.example.location),
                key.kind,
                tally.count,
                tally.example,
                tuple(tally.exchanges),
            )
            for key, tally in tallies
        )

    def accepted(self) -> tuple[AcceptedRow, ...]:
        """What rules explained, most frequent first."""
        return tuple(sorted(self._accepted.values(), key=lambda row: -row.count))

    def _accept(self, masked: MaskedVerdict) -> None:
        for accepted in masked.verdict.accepted:
            rule = accepted.rule
            self.uses[rule] += 1
            row = self._accepted.get(rule)
            if row is None:
                example = masked.finding(accepted.difference, None)
                self._accepted[rule] = AcceptedRow(rule, 1, (masked.verdict.route,), example)
            else:
                routes = row.routes if masked.verdict.route in row.routes else (*row.routes, masked.verdict.route)
                self._accepted[rule] = AcceptedRow(rule, row.count + 1, routes, row.example)

    def _differ(self, masked: MaskedVerdict) -> None:
        limits, differences = self._limits, masked.verdict.differences
        self.differences += len(differences)
        found: list[Finding] = []
        tallies: list[_Tally] = []
        for position, difference in enumerate(differences):
            tally = self._tally(masked, difference)
            if tally is not None:
                tally.add(masked, limits.exchanges_per_cause)
                tallies.append(tally)
            if position < limits.findings_per_exchange and len(self.kept) < limits.findings:
                finding = masked.finding(difference, tally.number if tally else None)
                found.append(finding)
                self.kept.append(finding)
        unseen = [tally for tally in tallies if tally.details < limits.details_per_cause]
        if unseen and len(self.details) < limits.details:
            self.details.append(masked.detail(found))
            for tally in set(unseen):
                tally.details += 1

    def _tally(self, masked: MaskedVerdict, difference: Difference) -> _Tally | None:
        key = cause_of(masked.verdict.route, difference)
        tally = self._causes.get(key)
        if tally is None and len(self._causes) < self._limits.causes:
            number = len(self._causes) + 1
            tally = self._causes[key] = _Tally(number, masked.finding(difference, number))
        elif tally is None:
            self.causes_omitted += 1
        return tally
