"""Named lists of tracks, in an order that is kept."""

from datetime import datetime

from sqlalchemy import delete, func, select, update

from backend.assistant.models.music import Playlist, PlaylistTrack, Track
from backend.assistant.services.music import library
from backend.assistant.services.records import Row, shown, table_of
from backend.assistant.services.refusals import conflict, unfit
from backend.core.errors import RequestRefusedError
from backend.core.rows import insert_row_unless_present
from backend.core.session import Session

TABLE, PLACES, TRACKS = table_of(Playlist), table_of(PlaylistTrack), table_of(Track)
MOST_PLAYLISTS = 1000
MOST_TRACKS = 5000


OPERATIONS = ("open", "list", "get", "create", "rename", "delete", "add", "remove", "reorder")
ABOUT_TRACKS = ("add", "remove", "reorder")


def carry_out(
    session: Session,
    at: datetime,
    operation: str | None,
    name: str | None,
    track_ids: list[int],
    position: int | None,
    new_name: str | None,
    description: str | None,
    limit: int,
    offset: int,
) -> Row:
    """One of the OPERATIONS; a name alone opens the playlist, nothing at all lists all."""
    operation = operation or ("list" if name is None else "open")
    if operation == "list":
        return listed(session, limit, offset)
    if name is None:
        raise unfit("name", "say which playlist is meant", None)
    if operation in ABOUT_TRACKS and not track_ids:
        raise unfit("track_ids", "say which tracks are meant", track_ids)
    match operation:
        case "get":
            return get(session, name, limit, offset)
        case "create":
            return create(session, at, name, description or "")
        case "rename":
            return rename(session, at, name, new_name, description)
        case "delete":
            return remove_playlist(session, name)
        case "add":
            return add(session, at, name, track_ids, position)
        case "remove":
            return remove(session, at, name, track_ids)
        case "reorder":
            return reorder(session, at, name, track_ids, position)
    return opened(session, at, name, limit, offset)


def opened(session: Session, at: datetime, name: str, limit: int, offset: int) -> Row:
    """The playlist of this name with a page of its tracks; a new one where there is none."""
    row = _by_name(session, name)
    if row is None:
        _create(session, at, name, "")
    return _shown(session, _found(session, name), limit, offset) | {"created": row is None}


def create(session: Session, at: datetime, name: str, description: str) -> Row:
    """A new, empty playlist. Refuses with 409 where the name is taken."""
    if _by_name(session, name) is not None:
        raise conflict("There is a playlist of that name already")
    _create(session, at, name, description)
    return _shown(session, _found(session, name), 1, 0) | {"created": True}


def listed(session: Session, limit: int, offset: int) -> Row:
    """A page of the playlists, by name, without their tracks."""
    rows = session.execute(select(TABLE).order_by(TABLE.c.name).limit(limit).offset(offset)).mappings().all()
    total = session.scalars(select(func.count()).select_from(TABLE)).one()
    found = [shown(row) for row in rows]
    return {"playlists": found, "count": len(found), "total": int(total), "limit": limit, "offset": offset}


def get(session: Session, name: str, limit: int, offset: int) -> Row:
    """A playlist with a page of its tracks. Refuses with 404."""
    return _shown(session, _found(session, name), limit, offset)


def rename(session: Session, at: datetime, name: str, new_name: str | None, description: str | None) -> Row:
    """Give a playlist another name or description. Refuses with 409 where the name is taken."""
    if new_name is None and description is None:
        raise unfit("new_name", "give a new name, or a description", None)
    row = _found(session, name)
    if new_name not in (None, name) and _by_name(session, str(new_name)) is not None:
        raise conflict("There is a playlist of that name already")
    changes = {"name": new_name or name, "description": row["description"] if description is None else description}
    session.execute(update(TABLE).where(TABLE.c.id == row["id"]).values(changes | {"updated_at": _second(at)}))
    return _shown(session, _found(session, changes["name"]), 1, 0)


def remove_playlist(session: Session, name: str) -> Row:
    """Delete a playlist; its tracks stay in the library."""
    row = _found(session, name)
    session.execute(delete(PLACES).where(PLACES.c.playlist_id == row["id"]))
    session.execute(delete(TABLE).where(TABLE.c.id == row["id"]))
    return {"deleted": True, "id": row["id"], "name": row["name"]}


def add(session: Session, at: datetime, name: str, track_ids: list[int], position: int | None) -> Row:
    """Put tracks into a playlist, at its end or at a place. Refuses with 404 unknown ones, with 409 those in it."""
    row = _found(session, name)
    order = _order(session, row["id"])
    for number in track_ids:
        library.track(session, number)
    if set(track_ids) & set(order) or len(set(track_ids)) < len(track_ids):
        raise conflict("A track can be in a playlist only once")
    if len(order) + len(track_ids) > MOST_TRACKS:
        raise conflict(f"A playlist holds at most {MOST_TRACKS} tracks")
    place = len(order) if position is None else min(position, len(order))
    new = [
        {"playlist_id": row["id"], "track_id": number, "position": -1, "added_at": _second(at)} for number in track_ids
    ]
    session.execute(PLACES.insert(), new)
    return _reordered(session, at, row, order, [*order[:place], *track_ids, *order[place:]])


def remove(session: Session, at: datetime, name: str, track_ids: list[int]) -> Row:
    """Take tracks out of a playlist. Refuses with 404 those that are not in it."""
    row = _found(session, name)
    order = _order(session, row["id"])
    if not set(track_ids) <= set(order):
        raise RequestRefusedError(404, "The playlist does not hold all of these tracks")
    gone = (PLACES.c.playlist_id == row["id"], PLACES.c.track_id.in_(track_ids))
    session.execute(delete(PLACES).where(*gone))
    return _reordered(session, at, row, order, [number for number in order if number not in set(track_ids)])


def reorder(session: Session, at: datetime, name: str, track_ids: list[int], position: int | None) -> Row:
    """Move tracks to a place; without one, `track_ids` must be the whole playlist in its new order."""
    row = _found(session, name)
    order = _order(session, row["id"])
    moved = set(track_ids)
    if len(moved) < len(track_ids) or not moved <= set(order):
        raise unfit("track_ids", "each must be in the playlist, and be named once", track_ids)
    if position is None and len(track_ids) < len(order):
        raise unfit("track_ids", "name all tracks of the playlist, or a position to move these to", track_ids)
    others = [number for number in order if number not in moved]
    place = len(others) if position is None else min(position, len(others))
    return _reordered(session, at, row, order, [*others[:place], *track_ids, *others[place:]])


def playable(session: Session, name: str) -> list[int]:
    """The tracks of a playlist whose files are there, in its order. Refuses with 404."""
    wanted = (
        select(PLACES.c.track_id)
        .join(TRACKS, TRACKS.c.id == PLACES.c.track_id)
        .where(PLACES.c.playlist_id == _found(session, name)["id"], TRACKS.c.missing_since.is_(None))
        .order_by(PLACES.c.position)
    )
    return list(session.scalars(wanted))


def _by_name(session: Session, name: str) -> Row | None:
    """The playlist's row, locked: whoever changes its order waits for the others."""
    row = session.execute(select(TABLE).where(TABLE.c.name == name).with_for_update()).mappings().one_or_none()
    return None if row is None else dict(row)


def _found(session: Session, name: str) -> Row:
    row = _by_name(session, name)
    if row is None:
        raise RequestRefusedError(404, "Playlist not found")
    return row


def _create(session: Session, at: datetime, name: str, description: str) -> None:
    if session.scalars(select(func.count()).select_from(TABLE)).one() >= MOST_PLAYLISTS:
        raise conflict(f"There are {MOST_PLAYLISTS} playlists already: delete one")
    times = {"created_at": _second(at), "updated_at": _second(at)}
    empty = {"track_count": 0, "total_duration": 0.0}
    insert_row_unless_present(session, Playlist, name=name, description=description, **empty, **times)


def _order(session: Session, playlist_id: int) -> list[int]:
    wanted = select(PLACES.c.track_id).where(PLACES.c.playlist_id == playlist_id).order_by(PLACES.c.position)
    return list(session.scalars(wanted))


def _reordered(session: Session, at: datetime, row: Row, before: list[int], order: list[int]) -> Row:
    """The playlist in its new order, with its sums put right."""
    old = dict(enumerate(before))
    for position, number in enumerate(order):
        if old.get(position) != number:
            place = (PLACES.c.playlist_id == row["id"], PLACES.c.track_id == number)
            session.execute(update(PLACES).where(*place).values(position=position))
    total = select(func.sum(TRACKS.c.duration)).join(PLACES, PLACES.c.track_id == TRACKS.c.id)
    seconds = session.scalars(total.where(PLACES.c.playlist_id == row["id"])).one() or 0.0
    sums = {"track_count": len(order), "total_duration": round(seconds, 3), "updated_at": _second(at)}
    session.execute(update(TABLE).where(TABLE.c.id == row["id"]).values(sums))
    return _shown(session, {**row, **sums}, 1000, 0)


def _shown(session: Session, row: Row, limit: int, offset: int) -> Row:
    wanted = (
        select(TRACKS, PLACES.c.position)
        .join(PLACES, PLACES.c.track_id == TRACKS.c.id)
        .where(PLACES.c.playlist_id == row["id"])
        .order_by(PLACES.c.position)
        .limit(limit)
        .offset(offset)
    )
    tracks = [shown(track, *library.HIDDEN) for track in session.execute(wanted).mappings().all()]
    return {**shown(row), "tracks": tracks, "count": len(tracks), "limit": limit, "offset": offset}


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
