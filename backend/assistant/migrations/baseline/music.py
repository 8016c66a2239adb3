"""Tracks, playlists, what was heard, and what plays now."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline.words import table

table(
    "tracks",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("file_path", sa.Text(), nullable=False),
    sa.Column("path_hash", sa.String(64), nullable=False),
    sa.Column("title", sa.String(255), nullable=False),
    sa.Column("artist", sa.String(255), nullable=False),
    sa.Column("album", sa.String(255), nullable=False),
    sa.Column("genre", sa.String(255), nullable=False),
    sa.Column("duration", sa.Double(), nullable=False),
    sa.Column("track_number", sa.Integer(), nullable=False),
    sa.Column("year", sa.Integer(), nullable=False),
    sa.Column("file_size", sa.BigInteger(), nullable=False),
    sa.Column("bitrate", sa.Integer(), nullable=False),
    sa.Column("sample_rate", sa.Integer(), nullable=False),
    sa.Column("last_played", sa.DateTime()),
    sa.Column("play_count", sa.Integer(), nullable=False),
    sa.Column("rating", sa.SmallInteger(), nullable=False),
    sa.Column("added_at", sa.DateTime(), nullable=False),
    sa.Column("modified_ns", sa.BigInteger(), nullable=False),
    sa.Column("search_text", sa.Text(), nullable=False),
    sa.Column("missing_since", sa.DateTime()),
    sa.UniqueConstraint("path_hash", name="uq_tracks_path"),
    sa.Index("idx_tracks_album", "album"),
    sa.Index("idx_tracks_genre", "genre"),
    sa.Index("idx_tracks_order", "artist", "album", "track_number", "id"),
)

table(
    "playlists",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("description", sa.String(1000), nullable=False),
    sa.Column("track_count", sa.Integer(), nullable=False),
    sa.Column("total_duration", sa.Double(), nullable=False),
    sa.Column("created_at", sa.DateTime(), nullable=False),
    sa.Column("updated_at", sa.DateTime(), nullable=False),
    sa.UniqueConstraint("name", name="uq_playlists_name"),
)

table(
    "playlist_tracks",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("playlist_id", sa.Integer(), nullable=False),
    sa.Column("track_id", sa.Integer(), nullable=False),
    sa.Column("position", sa.Integer(), nullable=False),
    sa.Column("added_at", sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(["playlist_id"], ["playlists.id"], name="fk_playlist_tracks_playlist", ondelete="CASCADE"),
    sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_playlist_tracks_track", ondelete="CASCADE"),
    sa.UniqueConstraint("playlist_id", "track_id", name="uq_playlist_tracks_pair"),
    sa.Index("idx_playlist_tracks_order", "playlist_id", "position"),
    sa.Index("idx_playlist_tracks_track", "track_id"),
)

table(
    "listening_history",
    sa.Column("id", sa.Integer(), primary_key=True),
    sa.Column("track_id", sa.Integer(), nullable=False),
    sa.Column("played_at", sa.DateTime(), nullable=False),
    sa.Column("duration_played", sa.Double(), nullable=False),
    sa.Column("completion_percentage", sa.Double()),
    sa.ForeignKeyConstraint(["track_id"], ["tracks.id"], name="fk_listening_history_track", ondelete="CASCADE"),
    sa.Index("idx_listening_history_newest", "played_at", "id"),
    sa.Index("idx_listening_history_track_newest", "track_id", "played_at", "id"),
)

table(
    "music_player",
    sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("queue", sa.Text(), nullable=False),
    sa.Column("unshuffled", sa.Text(), nullable=False),
    sa.Column("place", sa.Integer(), nullable=False),
    sa.Column("position_ms", sa.BigInteger(), nullable=False),
    sa.Column("since_ms", sa.BigInteger(), nullable=False),
    sa.Column("listened_ms", sa.BigInteger(), nullable=False),
    sa.Column("began_ms", sa.BigInteger(), nullable=False),
    sa.Column("volume", sa.Double(), nullable=False),
    sa.Column("shuffle", sa.Boolean(), nullable=False),
    sa.Column("repeat_mode", sa.String(10), nullable=False),
)
