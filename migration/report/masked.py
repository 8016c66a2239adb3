"""One verdict as reports may show it: every value, message and line of it without secrets, and bounded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from migration.compare.locations import fold
from migration.compare.verdict import Difference, Verdict
from migration.report.curl import curl
from migration.report.limits import Limits
from migration.report.model import Detail, ExchangeRef, Finding
from migration.report.secrets import Masker, StandIn
from migration.report.shown import Showing
from migration.report.text import bounded, one_line, shorten

_PROBLEM_LINES = 10
_LINE_VALUE_CHARACTERS = 200


class MaskedVerdict:
    """A verdict, and what reports show of it, made only when asked for: masking and curl lines cost."""

    def __init__(self, verdict: Verdict, stand_in: StandIn, limits: Limits) -> None:
        self.verdict = verdict
        self._stand_in = stand_in
        self._limits = limits
        self._shown: Showing | None = None
        self._curl: str | None = None
        self._exchange: ExchangeRef | None = None

    @property
    def showing(self) -> Showing:
        if self._shown is None:
            self._shown = Showing(self.verdict, self._stand_in, self._limits.body_characters)
        return self._shown

    @property
    def exchange(self) -> ExchangeRef:
        if self._exchange is None:
            exchange, text = self.verdict.exchange, self.showing.masker.text
            self._exchange = ExchangeRef(
                exchange.recording, exchange.index, text(exchange.label), text(self.verdict.session)
            )
        return self._exchange

    @property
    def label(self) -> str:
        """The exchange's label. Asked for on every exchange, so the bodies are left alone."""
        label = self.verdict.exchange.label
        if not label:
            return ""
        masker = Masker(self._stand_in)
        masker.headers(self.verdict.candidate_request.headers)
        return masker.text(label)

    @property
    def curl(self) -> str:
        if self._curl is None:
            verdict = self.verdict
            self._curl = curl(verdict.candidate_request, verdict.candidate_url, verdict.route)
        return self._curl

    def finding(self, difference: Difference, cause: int | None) -> Finding:
        control, candidate = self.values(difference)
        said = self.showing.masker.detail(difference.location, difference.detail)
        detail = shorten(said, self._limits.value_characters)
        return Finding(
            route=self.verdict.route,
            location=self.location(difference),
            kind=difference.kind,
            control=control,
            candidate=candidate,
            detail=detail,
            exchange=self.exchange,
            method=self.verdict.candidate_request.method,
            target=self.showing.target(),
            curl=self.curl,
            cause=cause,
        )

    def location(self, difference: Difference) -> str:
        """Where a difference is; a key of an object may be a secret as well."""
        return self.showing.masker.text(difference.location)

    def values(self, difference: Difference) -> tuple[Any, Any]:
        """Control's and candidate's value of a difference, masked and bounded."""
        masker, limit = self.showing.masker, self._limits.value_characters
        control, candidate = (
            bounded(masker.at(difference.location, value), limit)
            for value in (difference.control, difference.candidate)
        )
        return control, candidate

    def detail(self, findings: Iterable[Finding] = ()) -> Detail:
        showing, verdict = self.showing, self.verdict
        return Detail(
            exchange=self.exchange,
            route=verdict.route,
            request=showing.request(),
            control_request=showing.control_request(),
            control=showing.control(),
            candidate=showing.candidate(),
            curl=self.curl,
            findings=tuple(findings),
            accepted_places=tuple(self.location(item.difference) for item in verdict.accepted),
            noise_places=tuple(self.location(difference) for difference in verdict.noise),
            error=self._error,
        )

    @property
    def places(self) -> str:
        """Where differences are, without values: many exchanges differ in the same places."""
        places = (fold(self.location(difference)) for difference in self.verdict.differences)
        return ", ".join(dict.fromkeys(places))

    @property
    def problem(self) -> str:
        """What is wrong, a line for each difference; empty where nothing is."""
        if self._error is not None:
            return self._error
        lines = [self._line(difference) for difference in self.verdict.differences[:_PROBLEM_LINES]]
        left = len(self.verdict.differences) - len(lines)
        return "\n".join([*lines, f"and {left:,} more"] if left else lines)

    @property
    def notes(self) -> str:
        """What was explained, a line for each place, without values: many exchanges have the same notes."""
        accepted = (
            f"accepted: {fold(self.location(item.difference))}: "
            f"{item.rule.reason} ({item.rule.owner}, {item.rule.expires})"
            for item in self.verdict.accepted
        )
        noise = (f"noise: {fold(self.location(difference))}" for difference in self.verdict.noise)
        return "\n".join(dict.fromkeys([*accepted, *noise]))

    @property
    def _error(self) -> str | None:
        error = self.verdict.error
        return None if error is None else shorten(self.showing.masker.text(error), self._limits.value_characters)

    def _line(self, difference: Difference) -> str:
        control, candidate = (shorten(one_line(value), _LINE_VALUE_CHARACTERS) for value in self.values(difference))
        line = f"{self.location(difference)} ({difference.kind}): {control} → {candidate}"
        detail = self.showing.masker.detail(difference.location, difference.detail)
        return f"{line} - {detail}" if detail else line
