"""A recording on its way to one side: what to ask it, and what its answers teach about its own values."""

from __future__ import annotations

from datetime import datetime

from migration.compare.answers import compare_answers
from migration.compare.bindings import Bindings
from migration.compare.context import Context
from migration.compare.knowledge import Knowledge
from migration.compare.times import Clock
from migration.recording.exchange import Exchange, Request
from migration.replay.judge import Answer
from migration.replay.minting import Minting
from migration.replay.rewriting import shift_times, translate


class Lane:
    """Binds the recording's generated values to those of a live side, which is never judged by it."""

    def __init__(self, minting: Minting, knowledge: Knowledge, tolerance: float) -> None:
        self.bindings = Bindings()
        self._minting = minting
        self._clock = Clock(tolerance)
        self._knowledge = knowledge.seen_by(minting.is_minted)

    def request(self, exchange: Exchange, now: datetime) -> Request:
        """What to ask the side in place of the recorded request."""
        return translate(shift_times(exchange.request, exchange.started, now), self.bindings)

    def learn(self, exchange: Exchange, route: str, answer: Answer) -> None:
        """Bind what the recorded answer and the side's answer say about the same things."""
        if exchange.response is None:
            return
        recorded, now = exchange.started.timestamp(), answer.sent.timestamp()
        self._clock.observe(recorded, now)
        context = Context(route, self.bindings, self._clock, self._knowledge, recorded, now)
        compare_answers(exchange.response, answer.response, context)

    def is_minted(self, value: str) -> bool:
        """Whether the side made ``value`` up, told by the recorded value it stands for."""
        return self._minting.is_minted(self.bindings.control_of(value) or value)
