"""A run: recordings sent to both sides, exchange by exchange, as a stream of events."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from migration.compare.knowledge import Knowledge
from migration.recording.exchange import Recording
from migration.replay.comparing import Baseline, Comparing
from migration.replay.conductor import conduct
from migration.replay.databases import Databases
from migration.replay.events import (
    Event,
    Events,
    ExchangeCompared,
    ExchangeLearned,
    NoiseLearned,
    RecordingStarted,
    RunFinished,
    RunStarted,
    StateCompared,
)
from migration.replay.flows import teach_places
from migration.replay.lane import Lane
from migration.replay.minting import Minting
from migration.replay.options import Options
from migration.replay.routing import RouteNamer
from migration.replay.seeding import Seeder
from migration.replay.sending import Sender, Sending
from migration.replay.sessions import Step, plan
from migration.targets.side import RECORDING, Side


class Run:
    """``control`` is None where the recorded answers are the control. Iterate :meth:`events` once."""

    def __init__(
        self, recordings: Sequence[Recording], control: Side | None, candidate: Side, options: Options
    ) -> None:
        self._recordings = recordings
        self._control = control
        self._candidate = candidate
        self._options = options
        self._sides = [side for side in (control, candidate) if side is not None]
        self._passes = options.noise_runs if control is not None and control.resettable else 0
        self._knowledge = Knowledge(options.registry.places)
        self._just_started = True

    def events(self) -> Events:
        """Run it all.

        Raises, before any exchange is sent, :class:`~migration.targets.loading.TargetError` and
        :class:`~migration.replay.sending.NoAnswerError` for sides that don't answer, and the errors of seeds.
        """
        began = time.monotonic()
        seeders = [self._seeder(recording, self._sides) for recording in self._recordings]
        self._at_once(self._sides, lambda side: side.start())
        namer = RouteNamer(rule for side in self._sides for rule in side.routes)
        databases = Databases(self._control, self._candidate, self._options)
        with Sender(self._control, self._candidate, self._options) as sender, databases:
            yield self._started()
            baselines: list[list[Baseline]] = [[] for _ in self._recordings]
            for _ in range(self._passes):
                for position, recording in enumerate(self._recordings):
                    baselines[position].append((yield from self._learn(recording, sender, namer)))
                    databases.keep_control(position)
            for position, (recording, passes, seeder) in enumerate(
                zip(self._recordings, baselines, seeders, strict=True)
            ):
                comparing = self._comparing(recording, passes, namer)
                yield from self._compare(recording, comparing, seeder, sender)
                state = databases.compare(position, recording.name, comparing)
                if state is not None:
                    yield StateCompared(recording.name, state)
        if self._control is not None and self._options.noise_runs:
            yield NoiseLearned(self._options.noise_runs, (*self._knowledge.noise(), *databases.noise()))
        yield RunFinished(time.monotonic() - began)

    def _at_once(self, sides: Sequence[Side], action: Callable[[Side], None]) -> None:
        """Do something that takes a while to each side, to all at the same time."""
        with ThreadPoolExecutor(len(sides)) as pool:
            list(pool.map(action, sides))

    def _reset(self, sides: Sequence[Side]) -> None:
        """Make ``sides`` fresh. The first to be asked still are: they were started for it."""
        just_started, self._just_started = self._just_started, False
        self._at_once(sides, lambda side: side.reset(just_started=just_started))

    def _seeder(self, recording: Recording, sides: Sequence[Side]) -> Seeder | None:
        return Seeder(recording, sides) if self._options.use_seeds else None

    def _started(self) -> RunStarted:
        exchanges = sum(len(recording.exchanges) for recording in self._recordings)
        return RunStarted(
            control=self._control.name if self._control else RECORDING,
            candidate=self._candidate.name,
            recordings=tuple(recording.name for recording in self._recordings),
            exchanges=exchanges,
            noise_exchanges=exchanges * self._passes,
            workers=self._options.workers,
            rules=self._options.registry.rules,
            started=datetime.now(UTC),
        )

    def _learn(self, recording: Recording, sender: Sender, namer: RouteNamer) -> Generator[Event, None, Baseline]:
        """One pass over control alone; its answers are what control will be compared with."""
        if self._control is None:
            return Baseline()
        self._reset([self._control])
        baseline = Baseline(self._control.starting)
        seeder = self._seeder(recording, [self._control])
        minting = Minting(recording)
        teach_places(self._knowledge, recording, minting, namer)
        lane = Lane(minting, self._knowledge, self._options.time_tolerance)

        def prepare(step: Step) -> Callable[[], Sending]:
            if seeder is not None:
                seeder.before(step.exchange.index)
            return sender.to_control(lane.request(step.exchange, datetime.now(UTC)))

        yield RecordingStarted(recording.name, len(recording.exchanges), learning=True)
        for step, sending in self._conduct(recording, minting, prepare):
            if sending.control is not None:
                lane.learn(step.exchange, namer.name(step.exchange, minting), sending.control)
                baseline.answers[step.exchange.index] = sending.control
            yield ExchangeLearned(recording.name)
        return baseline

    def _comparing(self, recording: Recording, baselines: list[Baseline], namer: RouteNamer) -> Comparing:
        minting = Minting(recording)
        teach_places(self._knowledge, recording, minting, namer)
        live = self._control is not None
        return Comparing(minting, namer, self._knowledge, self._options, self._candidate.url, baselines, live=live)

    def _compare(self, recording: Recording, comparing: Comparing, seeder: Seeder | None, sender: Sender) -> Events:
        self._reset(self._sides)
        comparing.sides_start(self._control.starting if self._control else None, self._candidate.starting)

        def prepare(step: Step) -> Callable[[], Sending]:
            if seeder is not None:
                seeder.before(step.exchange.index)
            return sender.to_both(*comparing.requests(step.exchange))

        yield RecordingStarted(recording.name, len(recording.exchanges))
        for step, sending in self._conduct(recording, comparing.minting, prepare):
            yield ExchangeCompared(comparing.verdict(step, sending))

    def _conduct(
        self, recording: Recording, minting: Minting, prepare: Callable[[Step], Callable[[], Sending]]
    ) -> Iterator[tuple[Step, Sending]]:
        return conduct(plan(recording, minting), self._options.workers, prepare, self._options.speed)
