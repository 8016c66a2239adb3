"""Judging exchanges: noise first, then bindings, then rules; what remains is a difference."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from migration.compare.answers import compare_answers
from migration.compare.bindings import Bindings
from migration.compare.context import Context
from migration.compare.knowledge import Knowledge
from migration.compare.locations import fold
from migration.compare.registry import Registry
from migration.compare.times import Clock, Span
from migration.compare.verdict import Accepted, Difference, Kind
from migration.recording.exchange import Exchange, Response

#: One answer that is shaped differently is that answer's noise; it excuses no other.
_SHAPES = {Kind.STATUS, Kind.HEADER, Kind.MISSING, Kind.ADDED, Kind.BODY, Kind.ORDER, Kind.TRANSPORT}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a side said, and when it was asked."""

    response: Response
    sent: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    differences: tuple[Difference, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    noise: tuple[Difference, ...] = ()


class Judge:
    """Compares control with candidate over one recording. ``live`` says that control answered now, not long ago."""

    def __init__(self, knowledge: Knowledge, registry: Registry, tolerance: float, *, live: bool) -> None:
        self._given: set[str] = set()
        self.bindings = Bindings(self._given)
        self.clock = Clock(tolerance)
        self._knowledge = knowledge
        self._registry = registry
        self._live = live
        self._own: dict[int, tuple[Bindings, Clock]] = {}
        self._tolerance = tolerance

    def own(self, run: int) -> tuple[Bindings, Clock]:
        """What an earlier run of control has in common with this one."""
        return self._own.setdefault(run, (Bindings(self._given), Clock(self._tolerance)))

    def sides_start(self, control: Span | None, candidate: Span | None, earlier: Sequence[Span | None]) -> None:
        """When the sides were started, and control in each earlier run."""
        self.clock.start(control, candidate)
        for run, span in enumerate(earlier):
            self.own(run)[1].start(span, control)

    def both_are_sent(self, words: Iterable[str]) -> None:
        """Callers know ``words`` from elsewhere, so they mean the same on every side and in every run."""
        self._given.update(words)

    def learn_noise(self, run: int, route: str, once: Answer, again: Answer) -> set[str]:
        """Compare control with itself; returns the folded locations where it does not agree at this exchange.

        ``run`` numbers the earlier run that ``once`` is from: each has bindings of its own.
        """
        bindings, clock = self.own(run)
        context = self._context(route, bindings, clock, once, again)
        context.learning = True
        found = compare_answers(once.response, again.response, context)
        self._knowledge.saw_answer(route)
        for difference in found:
            self._knowledge.learn_noise(
                route,
                fold(difference.location),
                (difference.control, difference.candidate),
                everywhere=difference.kind not in _SHAPES,
            )
        return {fold(difference.location) for difference in (*found, *context.noise)}

    def judge(
        self, exchange: Exchange, route: str, control: Answer, candidate: Answer, noisy: frozenset[str] = frozenset()
    ) -> Judgement:
        """``noisy`` are folded locations that say nothing at this exchange."""
        context = self._context(route, self.bindings, self.clock, control, candidate)
        differences, accepted, noise = [], [], []
        for difference in compare_answers(control.response, candidate.response, context):
            if fold(difference.location) in noisy:
                noise.append(difference)
                continue
            rule = self._registry.explain(route, exchange.recording, self._live, difference)
            if rule is None:
                differences.append(difference)
            else:
                accepted.append(Accepted(difference, rule))
        return Judgement(tuple(differences), tuple(accepted), (*noise, *context.noise))

    def _context(self, route: str, bindings: Bindings, clock: Clock, control: Answer, candidate: Answer) -> Context:
        control_sent, candidate_sent = control.sent.timestamp(), candidate.sent.timestamp()
        clock.observe(control_sent, candidate_sent)
        return Context(route, bindings, clock, self._knowledge, control_sent, candidate_sent)
