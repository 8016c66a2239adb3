"""Bringing the library up to date with what is on disk."""

import hashlib
import os
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update

from backend.assistant.models.music import Track
from backend.assistant.services.music import tags
from backend.assistant.services.music.files import Found, Search
from backend.assistant.services.records import table_of
from backend.assistant.settings.music import MusicSettings
from backend.core.rows import insert_rows_unless_present
from backend.core.session import Session

TABLE = table_of(Track)
KNOWN = select(
    TABLE.c.id, TABLE.c.file_path, TABLE.c.path_hash, TABLE.c.file_size, TABLE.c.modified_ns, TABLE.c.missing_since
)
READ = (
    "title",
    "artist",
    "album",
    "genre",
    "track_number",
    "year",
    "duration",
    "bitrate",
    "sample_rate",
    "search_text",
)
CHANGED = (*READ, "file_size", "modified_ns", "missing_since")
REFRESH = (
    update(TABLE).where(TABLE.c.id == bindparam("which")).values({name: bindparam(f"new_{name}") for name in CHANGED})
)
MISS = update(TABLE).where(TABLE.c.id == bindparam("which")).values(missing_since=bindparam("since"))
NEVER_PLAYED = {"play_count": 0, "rating": 0, "last_played": None}


def scan(
    session: Session, at: datetime, settings: MusicSettings, directory: str | None, recursive: bool
) -> dict[str, Any]:
    """Add new files, read changed ones again, and mark those that are gone; say how many of each there were.

    Files are read before anything is written, so nobody waits for the database meanwhile. What is gone is only marked
    where everything was seen.
    """
    tags.require_library()
    search = Search(settings, recursive)
    directories = search.directories(directory)
    known = {row.path_hash: row for row in session.execute(KNOWN)}
    session.rollback()

    counted: Counter[str] = Counter()
    added, changed, seen = [], [], set()
    for found in search.files(directories):
        if search.out_of_time:
            search.complete = False
            break
        which = hashlib.sha256(os.fsencode(found.path)).hexdigest()
        seen.add(which)
        row = known.get(which)
        if row is not None and (row.file_size, row.modified_ns, row.missing_since) == (
            found.size,
            found.modified_ns,
            None,
        ):
            counted["unchanged"] += 1
            continue
        columns = _read(found)
        if columns is None:
            search.counted["unreadable"] += 1
        elif row is None:
            added.append({"file_path": str(found.path), "path_hash": which, "added_at": _second(at)} | columns)
        else:
            changed.append({"which": row.id} | {f"new_{name}": columns[name] for name in CHANGED})
    gone = [
        {"which": row.id, "since": _second(at)}
        for which, row in known.items()
        if search.complete and which not in seen and row.missing_since is None
        if _is_covered(Path(row.file_path), directories, recursive)
    ]
    insert_rows_unless_present(session, Track, [row | NEVER_PLAYED for row in added])
    for statement, rows in ((REFRESH, changed), (MISS, gone)):
        if rows:
            session.execute(statement, rows)
    return {
        "status": "success",
        "added_tracks": len(added),
        "updated_tracks": len(changed),
        "unchanged_tracks": counted["unchanged"],
        "missing_tracks": len(gone),
        "unreadable_files": search.counted["unreadable"],
        "refused_links": search.counted["refused"],
        "skipped_files": search.counted["skipped"],
        "complete": search.complete,
    }


def _read(found: Found) -> dict[str, Any] | None:
    """The columns that a file tells; None where it is no music. Links and pipes that took its place are not opened."""
    try:
        with open(found.path, "rb", opener=_without_following) as file:
            read = tags.read(file, found.path.stem)
    except (OSError, tags.UnreadableError):
        return None
    return read | {"file_size": found.size, "modified_ns": found.modified_ns, "missing_since": None}


def _without_following(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _is_covered(path: Path, directories: list[Path], recursive: bool) -> bool:
    """Whether the scan would have seen the file at this path."""
    if recursive:
        return any(path.is_relative_to(directory) for directory in directories)
    return path.parent in directories


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
