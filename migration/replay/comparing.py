"""One recording being compared: what each exchange is asked with, and the verdict on what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from migration.compare.knowledge import Knowledge
from migration.compare.times import Span
from migration.compare.verdict import Difference, Kind, Verdict
from migration.recording.exchange import Exchange, Request
from migration.replay.judge import Answer, Judge, Judgement
from migration.replay.lane import Lane
from migration.replay.minting import Minting
from migration.replay.options import Options
from migration.replay.rewriting import shift_times, translate
from migration.replay.routing import RouteNamer
from migration.replay.sending import Sending
from migration.replay.sessions import Step
from migration.state.terms import Terms

_NO_ANSWER = "(no answer)"


@dataclass(frozen=True, slots=True)
class Baseline:
    """One pass over control alone: when it was started, where it is ours to start, and its answers by exchange."""

    started: Span | None = None
    answers: dict[int, Answer] = field(default_factory=dict)


class Comparing:
    """State of the comparison over one recording. Not for several threads."""

    def __init__(
        self,
        minting: Minting,
        namer: RouteNamer,
        knowledge: Knowledge,
        options: Options,
        candidate_url: str,
        baselines: Sequence[Baseline],
        *,
        live: bool,
    ) -> None:
        self.minting = minting
        self._namer = namer
        self._candidate_url = candidate_url
        self._baselines = baselines
        self._lane = Lane(minting, knowledge, options.time_tolerance) if live else None
        self._is_minted = self._lane.is_minted if self._lane else minting.is_minted
        seen = knowledge.seen_by(self._is_minted)
        self._judge = Judge(seen, options.registry, options.time_tolerance, live=live)

    def sides_start(self, control: Span | None, candidate: Span | None) -> None:
        """The sides were started anew for this recording, in these spans."""
        self._judge.sides_start(control, candidate, [baseline.started for baseline in self._baselines])

    def requests(self, exchange: Exchange) -> tuple[Request, Request]:
        """What to ask control and candidate now."""
        self._judge.both_are_sent(self.minting.given(exchange))
        now = datetime.now(UTC)
        if self._lane is not None:
            control_request = self._lane.request(exchange, now)
        else:
            control_request = shift_times(exchange.request, exchange.started, now)
        return control_request, translate(control_request, self._judge.bindings)

    def verdict(self, step: Step, sending: Sending) -> Verdict:
        """Compare what came back, and learn from it."""
        exchange = step.exchange
        route = self._namer.name(exchange, self.minting)
        control, error = self._control_answer(exchange, route, sending)
        judgement = Judgement()
        if sending.candidate is None:
            answered = control.response.status if control else _NO_ANSWER
            missing = Difference("status", Kind.TRANSPORT, answered, _NO_ANSWER, sending.candidate_error or "")
            judgement = Judgement(differences=(missing,))
        elif control is not None:
            noisy = self._noisy(exchange, route, control, sending.control_again)
            judgement = self._judge.judge(exchange, route, control, sending.candidate, noisy)
        elif error is None:
            unknown = Difference(
                "status", Kind.TRANSPORT, _NO_ANSWER, sending.candidate.response.status, "the recording holds no answer"
            )
            judgement = Judgement(noise=(unknown,))
        return Verdict(
            exchange=exchange,
            route=route,
            session=step.session,
            control_request=sending.control_request,
            candidate_request=sending.candidate_request,
            control=control.response if control else None,
            candidate=sending.candidate.response if sending.candidate else None,
            differences=judgement.differences,
            accepted=judgement.accepted,
            noise=judgement.noise,
            error=error,
            candidate_url=self._candidate_url,
        )

    def terms(self) -> Terms:
        """What the answers taught, for comparing the databases behind them."""
        return Terms(self._judge.bindings, self._judge.clock, self._is_minted)

    def own_terms(self, run: int) -> Terms:
        """The same for control and an earlier run of its own."""
        return Terms(*self._judge.own(run), self._is_minted)

    def _control_answer(self, exchange: Exchange, route: str, sending: Sending) -> tuple[Answer | None, str | None]:
        if self._lane is None:
            recorded = exchange.response
            return (Answer(recorded, exchange.started) if recorded else None), None
        if sending.control is None:
            return None, f"control gave no answer: {sending.control_error}"
        self._lane.learn(exchange, route, sending.control)
        return sending.control, None

    def _noisy(self, exchange: Exchange, route: str, control: Answer, again: Answer | None) -> frozenset[str]:
        others = [*(baseline.answers.get(exchange.index) for baseline in self._baselines), again]
        learn = self._judge.learn_noise
        return frozenset().union(*(learn(run, route, o, control) for run, o in enumerate(others) if o is not None))
