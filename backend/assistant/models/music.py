"""Music: what was found on disk, in which order it is to be heard, what was heard, and what plays now."""

import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from backend.assistant.models.base import Base


class Track(Base):
    """A file of music with its tags; `missing_since` is set while the file is gone.

    Paths may be longer than what a unique index takes, so `path_hash` (SHA-256) is unique in their place. `search_text`
    is the title, artist and album without regard to case.
    """

    __tablename__ = "tracks"
    __table_args__ = (
        UniqueConstraint("path_hash", name="uq_tracks_path"),
        Index("idx_tracks_order", "artist", "album", "track_number", "id"),
        Index("idx_tracks_album", "album"),
        Index("idx_tracks_genre", "genre"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    file_path: Mapped[str] = mapped_column(Text)
    path_hash: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(255))
    artist: Mapped[str] = mapped_column(String(255))
    album: Mapped[str] = mapped_column(String(255))
    genre: Mapped[str] = mapped_column(String(255))
    duration: Mapped[float] = mapped_column(Double)
    track_number: Mapped[int] = mapped_column(Integer)
    year: Mapped[int] = mapped_column(Integer)
    file_size: Mapped[int] = mapped_column(BigInteger)
    bitrate: Mapped[int] = mapped_column(Integer)
    sample_rate: Mapped[int] = mapped_column(Integer)
    last_played: Mapped[datetime.datetime | None] = mapped_column(DateTime)
    play_count: Mapped[int] = mapped_column(Integer)
    rating: Mapped[int] = mapped_column(SmallInteger)
    added_at: Mapped[datetime.datetime] = mapped_column(DateTime)
    modified_ns: Mapped[int] = mapped_column(BigInteger)
    search_text: Mapped[str] = mapped_column(Text)
    missing_since: Mapped[datetime.datetime | None] = mapped_column(DateTime)


class Playlist(Base):
    """A named list of tracks, with how many they are and how many seconds they take."""

    __tablename__ = "playlists"
    __table_args__ = (UniqueConstraint("name", name="uq_playlists_name"),)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(1000))
    track_count: Mapped[int] = mapped_column(Integer)
    total_duration: Mapped[float] = mapped_column(Double)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime)
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class PlaylistTrack(Base):
    """A track's place in a playlist; places count from 0 without gaps."""

    __tablename__ = "playlist_tracks"
    __table_args__ = (
        UniqueConstraint("playlist_id", "track_id", name="uq_playlist_tracks_pair"),
        Index("idx_playlist_tracks_order", "playlist_id", "position"),
        Index("idx_playlist_tracks_track", "track_id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    playlist_id: Mapped[int] = mapped_column(
        ForeignKey("playlists.id", name="fk_playlist_tracks_playlist", ondelete="CASCADE")
    )
    track_id: Mapped[int] = mapped_column(ForeignKey("tracks.id", name="fk_playlist_tracks_track", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    added_at: Mapped[datetime.datetime] = mapped_column(DateTime)


class Listening(Base):
    """One time that a track was played: from when, for how many seconds, and the part of it if that is known."""

    __tablename__ = "listening_history"
    __table_args__ = (
        Index("idx_listening_history_newest", "played_at", "id"),
        Index("idx_listening_history_track_newest", "track_id", "played_at", "id"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    track_id: Mapped[int] = mapped_column(
        ForeignKey("tracks.id", name="fk_listening_history_track", ondelete="CASCADE")
    )
    played_at: Mapped[datetime.datetime] = mapped_column(DateTime)
    duration_played: Mapped[float] = mapped_column(Double)
    completion_percentage: Mapped[float | None] = mapped_column(Double)


class PlayerState(Base):
    """What plays now: the one row 1, which all workers share. Times are milliseconds, moments since 1970.

    `queue` and `unshuffled` are track numbers in order, as JSON.
    """

    __tablename__ = "music_player"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(10))
    queue: Mapped[str] = mapped_column(Text)
    unshuffled: Mapped[str] = mapped_column(Text)
    place: Mapped[int] = mapped_column(Integer)
    position_ms: Mapped[int] = mapped_column(BigInteger)
    since_ms: Mapped[int] = mapped_column(BigInteger)
    listened_ms: Mapped[int] = mapped_column(BigInteger)
    began_ms: Mapped[int] = mapped_column(BigInteger)
    volume: Mapped[float] = mapped_column(Double)
    shuffle: Mapped[bool] = mapped_column(Boolean)
    repeat_mode: Mapped[str] = mapped_column(String(10))
