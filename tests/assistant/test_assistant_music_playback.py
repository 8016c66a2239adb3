"""The player as a state machine, against a model that plays second by second."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from backend.assistant.services.music import playback
from backend.assistant.services.music.playback import Log, Playback, caught_up

#: Whole seconds; track 5 has no known length, track 9 can't be played.
LENGTHS = {1: 1000, 2: 3000, 3: 7000, 4: 60_000, 5: 0}
TRACKS = st.lists(st.sampled_from([1, 2, 3, 4, 5, 9]), min_size=1, max_size=6, unique=True)


class Model:
    """A player that is told of each second as it goes by, and of nothing in between."""

    def __init__(self) -> None:
        self.queue: list[int] = []
        self.place = 0
        self.second = 0
        self.status = "stopped"
        self.repeat = "none"
        self.begun: Counter[int] = Counter()
        self.heard: Counter[int] = Counter()
        self.fresh = True

    def begin(self, second: int = 0) -> None:
        self.second, self.fresh = second, False
        self.begun[self.queue[self.place]] += 1

    def following(self, step: int) -> int | None:
        place = self.place
        for _ in self.queue:
            place += step
            if not 0 <= place < len(self.queue):
                if self.repeat != "all":
                    return None
                place %= len(self.queue)
            if self.queue[place] in LENGTHS:
                return place
        return None

    def tick(self) -> None:
        if self.status != "playing":
            return
        self.second += 1
        track = self.queue[self.place]
        self.heard[track] += 1
        if LENGTHS.get(track) and self.second * 1000 >= LENGTHS[track]:
            following = self.place if self.repeat == "one" else self.following(1)
            if following is None:
                self.status, self.second, self.fresh = "stopped", 0, True
            else:
                self.place = following
                self.begin()

    def go(self, step: int) -> None:
        if not self.queue:
            return
        if step < 0 and self.status != "stopped" and self.second > 3:
            self.second = 0
            return
        following = self.following(step)
        if following is None:
            self.second = 0
            if step > 0:
                self.status, self.fresh = "stopped", True
            return
        self.place, self.second, self.fresh = following, 0, True
        if self.status == "playing":
            self.begin()


class Player(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model, self.state, self.log, self.now = Model(), Playback(), Log(), 1_000_000
        self.random = random.Random(0)

    def catch_up(self) -> None:
        self.state = caught_up(self.state, self.now, LENGTHS, self.log)

    @rule(seconds=st.one_of(st.integers(0, 8), st.integers(0, 200)))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds * 1000
        for _ in range(seconds):
            self.model.tick()
        self.catch_up()

    @rule(tracks=TRACKS, which=st.integers(0, 5))
    def queue_and_play(self, tracks: list[int], which: int) -> None:
        if self.state.shuffle:
            self.unshuffle()
        first = tracks[which % len(tracks)]
        self.state = playback.with_queue(self.state, self.now, tracks, first, self.random.shuffle, self.log)
        self.state = playback.play(self.state, self.now, self.state.place, self.log)
        self.model.queue, self.model.place, self.model.status = tracks, tracks.index(first), "playing"
        self.model.begin()

    @rule()
    def pause(self) -> None:
        self.state = playback.pause(self.state, self.now)
        if self.model.status == "playing":
            self.model.status = "paused"

    @rule()
    def resume(self) -> None:
        self.state = playback.resume(self.state, self.now, self.log)
        if self.model.status == "paused":
            self.model.status = "playing"
            if self.model.fresh:
                self.model.begin(self.model.second)

    @rule()
    def stop(self) -> None:
        self.state = playback.stop(self.state, self.now, self.log)
        self.model.status, self.model.second, self.model.fresh = "stopped", 0, True

    @rule(step=st.sampled_from([1, -1]))
    def skip(self, step: int) -> None:
        self.state = playback.skip(self.state, self.now, step, LENGTHS, self.log)
        self.model.go(step)

    @rule(mode=st.sampled_from(["none", "one", "all"]))
    def repeat(self, mode: str) -> None:
        self.state = Playback(**(vars(self.state) | {"repeat_mode": mode}))
        self.model.repeat = mode

    @precondition(lambda self: self.model.status != "stopped")
    @rule(share=st.floats(0, 1))
    def seek(self, share: float) -> None:
        length = LENGTHS.get(self.model.queue[self.model.place], 0) or 100_000
        second = min(int(share * length / 1000), length // 1000 - 1)
        self.state = playback.seek(self.state, self.now, second * 1000)
        self.model.second = second

    @rule()
    def shuffle(self) -> None:
        before = self.state.queue
        self.state = playback.set_shuffle(self.state, self.random.shuffle)
        assert sorted(self.state.queue) == sorted(before)
        # The model is told the new order, not how it was found.
        self.model.queue, self.model.place = list(self.state.queue), self.state.place

    @rule()
    def unshuffle(self) -> None:
        current, before = self.state.current, self.state.unshuffled
        was_shuffled = self.state.shuffle
        self.state = playback.set_shuffle(self.state, None)
        assert self.state.current == current
        assert not was_shuffled or self.state.queue == before
        self.model.queue, self.model.place = list(self.state.queue), self.state.place

    @invariant()
    def both_say_the_same(self) -> None:
        assert self.state.status == self.model.status
        assert self.state.queue == tuple(self.model.queue)
        if self.state.queue:
            assert self.state.place == self.model.place
        assert self.state.position_at(self.now) == self.model.second * 1000
        assert +self.log.begun == self.model.begun

    @invariant()
    def no_moment_is_listened_to_twice(self) -> None:
        heard = sorted(self.log.listenings, key=lambda listening: listening.began_ms)
        for earlier, later in pairwise(heard):
            assert earlier.began_ms + earlier.listened_ms <= later.began_ms
        told: Counter[int] = Counter()
        for listening in heard:
            told[listening.track] += listening.listened_ms
        # Whole rounds are counted as begun, but not listed one by one.
        assert all(told[track] <= seconds * 1000 for track, seconds in self.model.heard.items())


TestPlayer = Player.TestCase
TestPlayer.settings = settings(max_examples=200, stateful_step_count=60, deadline=None)


def test_a_month_of_repeating_takes_no_time_and_is_counted() -> None:
    log = Log()
    state = Playback(repeat_mode="all")
    state = playback.with_queue(state, 0, [1, 2], 1, lambda _: None, log)
    state = caught_up(playback.play(state, 1, 0, log), 1 + 30 * 86_400_000, LENGTHS, log)
    assert log.begun == {1: 648_001, 2: 648_000}
    assert (state.current, state.position_at(1 + 30 * 86_400_000)) == (1, 0)
    assert len(log.listenings) <= playback.MOST_LISTENINGS


def test_a_clock_set_back_takes_nothing_away() -> None:
    log = Log()
    state = playback.with_queue(Playback(), 50_000, [4], 4, lambda _: None, log)
    state = playback.play(state, 50_000, 0, log)
    state = caught_up(state, 10_000, LENGTHS, log)
    assert state.position_at(10_000) == 0
    assert playback.pause(state, 10_000).position_ms == 0
