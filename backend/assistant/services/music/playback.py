"""The player as a state machine: what it does is reckoned from moments, so nothing has to run while music plays.

Nothing here knows a database or a clock. Times are whole milliseconds, `now` is since 1970. `lengths` are those of the
tracks that can be played; 0 is unknown, and such a track plays until somebody moves on.
"""

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

PLAYING, PAUSED, STOPPED = "playing", "paused", "stopped"
REPEAT_NONE, REPEAT_ONE, REPEAT_ALL = "none", "one", "all"
#: Whoever goes back later than this into a track hears it again from its start.
RESTART_AFTER_MS = 3000
MOST_QUEUED = 5000
#: Of what was played while nobody asked, so many of the latest listenings are told.
MOST_LISTENINGS = 1000

Lengths = Mapping[int, int]
Shuffle = Callable[[list[int]], None]


@dataclass(frozen=True)
class Listening:
    """A track that was played from a moment on, for a while."""

    track: int
    began_ms: int
    listened_ms: int


@dataclass
class Log:
    """What happened on the way to a state: which tracks were begun how often, when last, and which were listened to."""

    begun: Counter[int] = field(default_factory=Counter)
    last_begun_ms: dict[int, int] = field(default_factory=dict)
    listenings: deque[Listening] = field(default_factory=lambda: deque(maxlen=MOST_LISTENINGS))

    def begin(self, track: int, at_ms: int, times: int = 1) -> None:
        """Note that a track was begun, at last at `at_ms`."""
        self.begun[track] += times
        self.last_begun_ms[track] = max(at_ms, self.last_begun_ms.get(track, at_ms))

    def end(self, track: int, began_ms: int, listened_ms: int) -> None:
        """Note that a track is no longer listened to."""
        if listened_ms > 0:
            self.listenings.append(Listening(track, began_ms, listened_ms))


@dataclass(frozen=True)
class Playback:
    """What the player does: `position_ms` and `listened_ms` are as they were at `since_ms`.

    `began_ms` is 0 before the track is begun. While shuffling, `unshuffled` is the order that the queue had before. A
    queue holds each track once.
    """

    status: str = STOPPED
    queue: tuple[int, ...] = ()
    unshuffled: tuple[int, ...] = ()
    place: int = 0
    position_ms: int = 0
    since_ms: int = 0
    listened_ms: int = 0
    began_ms: int = 0
    volume: float = 0.7
    shuffle: bool = False
    repeat_mode: str = REPEAT_NONE

    @property
    def current(self) -> int | None:
        """The track that plays, or would."""
        return self.queue[self.place] if self.queue else None

    def position_at(self, now: int) -> int:
        """How far into the track it is; the state must have been caught up with `now`."""
        return self.position_ms + (max(0, now - self.since_ms) if self.status == PLAYING else 0)


def caught_up(state: Playback, now: int, lengths: Lengths, log: Log) -> Playback:
    """The state at `now`, after all tracks that have ended meanwhile."""
    while state.status == PLAYING and state.current is not None:
        length = lengths.get(state.current, 0)
        left = max(0, length - state.position_ms)
        if length <= 0 or now - state.since_ms < left:
            return state
        ends = state.since_ms + left
        log.end(state.current, state.began_ms, state.listened_ms + left)
        following = state.place if state.repeat_mode == REPEAT_ONE else _place_after(state, 1, lengths)
        if following is None:
            return _stopped(state, ends)
        ends = _skip_rounds(replace(state, place=following), ends, now, lengths, log)
        state = _begun(state, following, ends, log)
    return state


def play(state: Playback, now: int, place: int, log: Log) -> Playback:
    """Begin the track at `place` of the queue."""
    return _begun(_left(state, now, log), place, now, log)


def with_queue(
    state: Playback, now: int, queue: Sequence[int], first: int | None, shuffle: Shuffle, log: Log
) -> Playback:
    """Another queue, stopped before the track `first` of it (or its first one)."""
    state = replace(_left(state, now, log), queue=tuple(queue), unshuffled=(), place=0)
    state = _stopped(replace(state, place=queue.index(first) if first is not None else 0), now)
    if not state.shuffle:
        return state
    if first is None:
        mixed = list(queue)
        shuffle(mixed)
        return replace(state, queue=tuple(mixed), unshuffled=tuple(queue))
    return _mixed(state, shuffle)


def pause(state: Playback, now: int) -> Playback:
    """Stand still, if it plays."""
    return replace(_rebased(state, now), status=PAUSED) if state.status == PLAYING else state


def resume(state: Playback, now: int, log: Log) -> Playback:
    """Go on from where it was paused."""
    if state.status != PAUSED or state.current is None:
        return state
    if not state.began_ms:
        log.begin(state.current, now)
    return replace(state, status=PLAYING, since_ms=now, began_ms=state.began_ms or now)


def stop(state: Playback, now: int, log: Log) -> Playback:
    """Stop, and go back to the start of the track."""
    return _stopped(_left(state, now, log), now)


def skip(state: Playback, now: int, step: int, lengths: Lengths, log: Log) -> Playback:
    """Go to the next track (`step` 1) or the previous one (-1), playing, paused or stopped as it was.

    After the last track it stops, unless all are repeated; before the first one there is only its own start.
    """
    if state.current is None:
        return state
    if step < 0 and state.status != STOPPED and state.position_at(now) > RESTART_AFTER_MS:
        return seek(state, now, 0)
    place = _place_after(state, step, lengths)
    if place is None:
        return stop(state, now, log) if step > 0 else seek(state, now, 0)
    left = _left(state, now, log)
    if state.status == PLAYING:
        return _begun(left, place, now, log)
    # What is gone to while paused is not begun before it is resumed.
    return replace(_stopped(left, now), status=state.status, place=place)


def seek(state: Playback, now: int, position_ms: int) -> Playback:
    """Go to another position in the track."""
    return state if state.status == STOPPED else replace(_rebased(state, now), position_ms=position_ms)


def set_shuffle(state: Playback, shuffle: Shuffle | None) -> Playback:
    """Mix what follows the current track, or (None) go back to the order there was before."""
    if shuffle is not None:
        return state if state.shuffle else _mixed(replace(state, shuffle=True), shuffle)
    if not state.shuffle:
        return state
    place = state.unshuffled.index(state.current) if state.current is not None else 0
    return replace(state, shuffle=False, queue=state.unshuffled, unshuffled=(), place=place)


def _mixed(state: Playback, shuffle: Shuffle) -> Playback:
    others = [track for track in state.queue if track != state.current]
    shuffle(others)
    mixed = (state.current, *others) if state.current is not None else ()
    return replace(state, queue=mixed, unshuffled=state.queue, place=0)


def _place_after(state: Playback, step: int, lengths: Lengths) -> int | None:
    """The place of the next track that can be played, in either direction; None where there is none."""
    count = len(state.queue)
    for distance in range(1, count + 1):
        place = state.place + step * distance
        if not 0 <= place < count and state.repeat_mode != REPEAT_ALL:
            return None
        if state.queue[place % count] in lengths:
            return place % count
    return None


def _skip_rounds(state: Playback, at: int, now: int, lengths: Lengths, log: Log) -> int:
    """The moment after all whole rounds that fit in between: they are counted, not gone through one by one."""
    if state.repeat_mode == REPEAT_NONE or state.current is None:
        return at
    repeated = (state.current,) if state.repeat_mode == REPEAT_ONE else state.queue
    heard = {track: lengths[track] for track in repeated if track in lengths}
    if not heard or min(heard.values()) <= 0:
        return at
    rounds = max(0, now - at) // sum(heard.values())
    after = at + rounds * sum(heard.values())
    if rounds:
        for track in heard:
            log.begin(track, after, rounds)
    return after


def _begun(state: Playback, place: int, now: int, log: Log) -> Playback:
    log.begin(state.queue[place], now)
    return replace(state, status=PLAYING, place=place, position_ms=0, since_ms=now, listened_ms=0, began_ms=now)


def _left(state: Playback, now: int, log: Log) -> Playback:
    """The state when the current track is no longer listened to."""
    state = _rebased(state, now)
    if state.status != STOPPED and state.current is not None:
        log.end(state.current, state.began_ms, state.listened_ms)
    return replace(state, listened_ms=0)


def _stopped(state: Playback, now: int) -> Playback:
    return replace(state, status=STOPPED, position_ms=0, since_ms=now, listened_ms=0, began_ms=0)


def _rebased(state: Playback, now: int) -> Playback:
    """The same, with its position reckoned up to `now`. A clock that was set back takes nothing away."""
    played = max(0, now - state.since_ms) if state.status == PLAYING else 0
    position, listened = state.position_ms + played, state.listened_ms + played
    return replace(state, position_ms=position, listened_ms=listened, since_ms=now)
