"""The tracks that were found, and what was heard of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update

from backend.assistant.models.music import Listening, Track
from backend.assistant.services.records import Row, shown, table_of
from backend.core.errors import RequestRefusedError
from backend.core.session import Session

TABLE = table_of(Track)
HISTORY = table_of(Listening)
ORDER = (TABLE.c.artist, TABLE.c.album, TABLE.c.track_number, TABLE.c.id)
HIDDEN = ("path_hash", "modified_ns", "search_text")
ESCAPE = "\\"


def tracks(
    session: Session,
    limit: int,
    offset: int,
    search: str | None = None,
    genre: str | None = None,
    artist: str | None = None,
    album: str | None = None,
    missing: bool = False,
) -> Row:
    """A page of the library by artist, album and track number; with `missing`, of the tracks whose file is gone."""
    where: list[ColumnElement[bool]] = [
        TABLE.c.missing_since.is_not(None) if missing else TABLE.c.missing_since.is_(None)
    ]
    where += [
        TABLE.c[name] == value for name, value in (("genre", genre), ("artist", artist), ("album", album)) if value
    ]
    if search:
        where.append(_contains(search))
    rows = session.execute(select(TABLE).where(*where).order_by(*ORDER).limit(limit).offset(offset)).mappings().all()
    total = session.scalars(select(func.count()).select_from(TABLE).where(*where)).one()
    found = [shown(row, *HIDDEN) for row in rows]
    return {"tracks": found, "count": len(found), "total": int(total), "limit": limit, "offset": offset}


def search(session: Session, query: str, limit: int, offset: int) -> Row:
    """The tracks whose title, artist or album contains a text; case doesn't matter."""
    return tracks(session, limit, offset, search=query)


def track(session: Session, track_id: int) -> Row:
    """One track, also when its file is gone. Refuses with 404."""
    row = session.execute(select(TABLE).where(TABLE.c.id == track_id)).mappings().one_or_none()
    if row is None:
        raise RequestRefusedError(404, "Track not found")
    return shown(row, *HIDDEN)


def playable(session: Session, track_id: int) -> None:
    """Refuse a track that does not exist (404), or whose file is gone (409)."""
    if track(session, track_id)["missing_since"] is not None:
        raise RequestRefusedError(409, "The file of this track is gone: put it back, then scan")


def queue_from(session: Session, track_id: int | None, most: int) -> list[int]:
    """All playable tracks in the order of the library; of more than `most`, those from `track_id` on."""
    wanted = select(TABLE.c.id).where(TABLE.c.missing_since.is_(None)).order_by(*ORDER)
    numbers = list(session.scalars(wanted))
    if len(numbers) > most and track_id in numbers:
        begins = numbers.index(track_id)
        numbers = numbers[begins:] + numbers[:begins]
    return numbers[:most]


def rate(session: Session, track_id: int, rating: int) -> Row:
    """Give a track 0 to 5 stars."""
    track(session, track_id)
    session.execute(update(TABLE).where(TABLE.c.id == track_id).values(rating=rating))
    return track(session, track_id)


def history(session: Session, limit: int, offset: int, track_id: int | None = None) -> Row:
    """What was heard, of one track or of all, the latest first."""
    where: list[ColumnElement[bool]] = [] if track_id is None else [HISTORY.c.track_id == track_id]
    rows = (
        select(HISTORY, TABLE.c.title, TABLE.c.artist, TABLE.c.album)
        .join(TABLE, TABLE.c.id == HISTORY.c.track_id)
        .where(*where)
        .order_by(HISTORY.c.played_at.desc(), HISTORY.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    found = [shown(row) for row in session.execute(rows).mappings().all()]
    total = session.scalars(select(func.count()).select_from(HISTORY).where(*where)).one()
    return {"history": found, "count": len(found), "total": int(total), "limit": limit, "offset": offset}


def note_listening(session: Session, rows: list[dict[str, Any]]) -> None:
    """Keep what was heard."""
    if rows:
        session.execute(HISTORY.insert(), rows)


def note_begun(session: Session, track_id: int, times: int, last: datetime) -> None:
    """Count how often a track was begun."""
    played = {"play_count": TABLE.c.play_count + times, "last_played": last}
    session.execute(update(TABLE).where(TABLE.c.id == track_id).values(played))


def _contains(text: str) -> ColumnElement[bool]:
    pattern = text.casefold()
    for special in (ESCAPE, "%", "_"):
        pattern = pattern.replace(special, ESCAPE + special)
    return TABLE.c.search_text.like(f"%{pattern}%", escape=ESCAPE)
