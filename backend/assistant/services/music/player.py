"""The one player that all workers share: its state is a row, which whoever changes it locks."""

import json
import random
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from backend.assistant.models.music import PlayerState, Track
from backend.assistant.services.music import library, playback, playlists
from backend.assistant.services.music.playback import Lengths, Log, Playback
from backend.assistant.services.records import Row, table_of
from backend.core.errors import RequestRefusedError
from backend.core.rows import insert_row_unless_present
from backend.core.session import Session

STATE = table_of(PlayerState)
TRACKS = table_of(Track)
THE_ONE = STATE.c.id == 1
EPOCH = datetime(1970, 1, 1)
AS_JSON = ("queue", "unshuffled")
NO_SOUND = (
    "This server has no sound device: playback is only kept track of. "
    "Leave require_sound out to do that; sound needs a player of your own."
)
SHUFFLE = random.SystemRandom().shuffle

Change = Callable[[Playback, int, Lengths, Log], Playback]


def status(session: Session, at: datetime) -> Row:
    """What the player does now."""
    return _act(session, at, lambda state, now, lengths, log: state)


def play(
    session: Session,
    at: datetime,
    track_id: int | None = None,
    playlist: str | None = None,
    track_ids: list[int] | None = None,
    require_sound: bool = False,
) -> Row:
    """Play a track, a playlist or some tracks; or, told nothing, what is paused, queued, or in the library.

    A track that is not in the queue is played with the whole library queued. What is not there is refused: 404, 409.
    """
    if require_sound:
        raise RequestRefusedError(503, NO_SOUND)
    if track_id is not None:
        library.playable(session, track_id)
    queue = _asked_for(session, playlist, track_ids)
    if queue is not None and track_id is not None and track_id not in queue:
        raise RequestRefusedError(409, "The track is not among those that are to be played")

    def change(state: Playback, now: int, lengths: Lengths, log: Log) -> Playback:
        if queue is None and track_id is None and state.status != playback.STOPPED:
            return playback.resume(state, now, log)
        if queue is None and state.queue and (track_id is None or track_id in state.queue):
            place = state.place if track_id is None else state.queue.index(track_id)
            return playback.play(state, now, place, log)
        new = library.queue_from(session, track_id, playback.MOST_QUEUED) if queue is None else queue
        if not new:
            raise RequestRefusedError(409, "There is nothing to play: scan a directory first, or add tracks")
        state = playback.with_queue(state, now, new, track_id, SHUFFLE, log)
        return playback.play(state, now, state.place, log)

    return _act(session, at, change)


def pause(session: Session, at: datetime) -> Row:
    """Pause; if nothing plays, nothing happens."""
    return _act(session, at, lambda state, now, lengths, log: playback.pause(state, now))


def resume(session: Session, at: datetime, require_sound: bool = False) -> Row:
    """Go on with what is paused. Refuses with 409 when the player is stopped."""
    if require_sound:
        raise RequestRefusedError(503, NO_SOUND)

    def change(state: Playback, now: int, lengths: Lengths, log: Log) -> Playback:
        _refuse_stopped(state)
        return playback.resume(state, now, log)

    return _act(session, at, change)


def stop(session: Session, at: datetime) -> Row:
    """Stop, at the start of the track."""
    return _act(session, at, lambda state, now, lengths, log: playback.stop(state, now, log))


def go_next(session: Session, at: datetime) -> Row:
    """Go to the next track of the queue, if there is a queue."""
    return _act(session, at, lambda state, now, lengths, log: playback.skip(state, now, 1, lengths, log))


def go_back(session: Session, at: datetime) -> Row:
    """Go to the previous track, or back to the start of this one if it has played for three seconds."""
    return _act(session, at, lambda state, now, lengths, log: playback.skip(state, now, -1, lengths, log))


def seek(session: Session, at: datetime, position: float) -> Row:
    """Go to a position in seconds. Refuses with 409 when the player is stopped, or beyond the end of the track."""

    def change(state: Playback, now: int, lengths: Lengths, log: Log) -> Playback:
        _refuse_stopped(state)
        length = lengths.get(state.current or 0, 0)
        if length and position * 1000 > length:
            raise RequestRefusedError(409, f"The track ends at {length / 1000:g} seconds")
        return playback.seek(state, now, round(position * 1000))

    return _act(session, at, change)


def set_mode(session: Session, at: datetime, **mode: Any) -> Row:
    """Set the volume (0 to 1), or what is repeated: `none`, `one` track, or `all`."""
    return _act(session, at, lambda state, now, lengths, log: Playback(**(vars(state) | mode)))


def set_shuffle(session: Session, at: datetime, enabled: bool) -> Row:
    """Mix what follows the current track, or go back to the order there was."""
    mix = SHUFFLE if enabled else None
    return _act(session, at, lambda state, now, lengths, log: playback.set_shuffle(state, mix))


def queue(session: Session, at: datetime, limit: int, offset: int) -> Row:
    """A page of the queue, in the order in which it is played."""
    now = status(session, at)
    numbers = _load(session).queue
    shown = [library.track(session, number) for number in numbers[offset : offset + limit]]
    page = {"tracks": shown, "count": len(shown), "total": len(numbers), "limit": limit, "offset": offset}
    return page | {"queue_index": now["queue_index"]}


def _asked_for(session: Session, playlist: str | None, track_ids: list[int] | None) -> list[int] | None:
    if playlist is not None:
        numbers = playlists.playable(session, playlist)
        if not numbers:
            raise RequestRefusedError(409, "The playlist has no track that can be played")
        return numbers
    if track_ids is None:
        return None
    for number in track_ids:
        library.playable(session, number)
    return list(dict.fromkeys(track_ids))


def _refuse_stopped(state: Playback) -> None:
    if state.status == playback.STOPPED:
        raise RequestRefusedError(409, "The player is stopped: call play")


def _act(session: Session, at: datetime, change: Change) -> Row:
    """Let what has ended meanwhile end, then do what is asked; the status after that."""
    now, log = (at - EPOCH) // timedelta(milliseconds=1), Log()
    before = _load(session)
    lengths = _lengths(session, before)
    current = playback.caught_up(before, now, lengths, log)
    state = change(current, now, lengths, log)
    if state != before:
        _save(session, state)
    for track, times in log.begun.items():
        library.note_begun(session, track, times, _moment(log.last_begun_ms[track]))
    library.note_listening(session, [_heard(listening, lengths) for listening in log.listenings])
    return _shown(session, state, now)


def _load(session: Session) -> Playback:
    """The state, locked for this transaction."""
    wanted = select(STATE).where(THE_ONE).with_for_update()
    row = session.execute(wanted).mappings().one_or_none()
    if row is None:
        insert_row_unless_present(session, PlayerState, id=1, **_columns(Playback()))
        row = session.execute(wanted).mappings().one()
    values = {name: value for name, value in row.items() if name != "id"}
    return Playback(**values | {name: tuple(json.loads(values[name])) for name in AS_JSON})


def _save(session: Session, state: Playback) -> None:
    session.execute(update(STATE).where(THE_ONE).values(_columns(state)))


def _columns(state: Playback) -> dict[str, Any]:
    values = asdict(state)
    return values | {name: json.dumps(values[name], separators=(",", ":")) for name in AS_JSON}


def _lengths(session: Session, state: Playback) -> dict[int, int]:
    """Of the queued tracks that can be played, and of the current one, which may be gone by now."""
    if not state.queue:
        return {}
    wanted = select(TRACKS.c.id, TRACKS.c.duration).where(
        TRACKS.c.id.in_(state.queue), or_(TRACKS.c.missing_since.is_(None), TRACKS.c.id == state.current)
    )
    return {row.id: round(row.duration * 1000) for row in session.execute(wanted)}


def _heard(listening: playback.Listening, lengths: Lengths) -> dict[str, Any]:
    length = lengths.get(listening.track, 0)
    share = round(min(100.0, 100 * listening.listened_ms / length), 2) if length else None
    return {
        "track_id": listening.track,
        "played_at": _moment(listening.began_ms),
        "duration_played": listening.listened_ms / 1000,
        "completion_percentage": share,
    }


def _moment(milliseconds: int) -> datetime:
    """To the second, as the tables have it."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).replace(microsecond=0)


def _shown(session: Session, state: Playback, now: int) -> Row:
    """Clients must not take this for sound: `audio_engine` says that there is none."""
    current = None if state.current is None else library.track(session, state.current)
    return {
        "status": state.status,
        "is_playing": state.status == playback.PLAYING,
        "is_paused": state.status == playback.PAUSED,
        "current_track": current,
        "current_position": state.position_at(now) / 1000,
        "volume": state.volume,
        "shuffle": state.shuffle,
        "repeat_mode": state.repeat_mode,
        "queue_length": len(state.queue),
        "queue_index": state.place if state.queue else None,
        "audio_engine": "none",
    }
