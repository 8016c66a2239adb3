"""What the actions of the music player are told."""

from typing import Any

import marshmallow as ma

from backend.assistant.services.music.playback import MOST_QUEUED, REPEAT_ALL, REPEAT_NONE, REPEAT_ONE
from backend.assistant.services.music.playlists import OPERATIONS
from backend.core.wire_fields import Choice, Flag, ListOf, Text, WireSchema
from backend.core.wire_numbers import Number, WholeNumber

LARGEST_ID = 2**31 - 1
LONGEST_SECONDS = 10_000_000


def track_number(**options: Any) -> WholeNumber:
    """The number of a track."""
    return WholeNumber(ge=1, le=LARGEST_ID, metadata={"description": "A track's id", "example": 1}, **options)


def track_numbers(**options: Any) -> ListOf:
    """The numbers of tracks."""
    return ListOf(
        track_number(), max_length=1000, metadata={"description": "Ids of tracks", "example": [1, 2]}, **options
    )


def playlist_name(**options: Any) -> Text:
    """The name of a playlist."""
    return Text(min_length=1, max_length=200, metadata={"example": "Focus"}, **options)


def maybe_text(about: str) -> Text:
    """A text that may be left out."""
    return Text(load_default=None, allow_none=True, max_length=1000, metadata={"description": about})


class Nothing(WireSchema):
    """Nothing."""


class Page(WireSchema):
    """Which part of a list."""

    limit = WholeNumber(load_default=100, ge=1, le=1000, metadata={"example": 100})
    offset = WholeNumber(load_default=0, ge=0, le=LARGEST_ID, metadata={"example": 0})


class Play(WireSchema):
    """What to play: a track, a playlist, some tracks; nothing goes on with what there is."""

    track_id = track_number(load_default=None, allow_none=True)
    playlist = playlist_name(load_default=None, allow_none=True)
    track_ids = ListOf(
        track_number(),
        load_default=None,
        allow_none=True,
        min_length=1,
        max_length=MOST_QUEUED,
        metadata={"description": "Ids of the tracks to queue", "example": [1, 2]},
    )
    require_sound = Flag(load_default=False, metadata={"description": "Refuse where nothing can be heard"})


class Resume(WireSchema):
    """Whether it must be heard."""

    require_sound = Flag(load_default=False, metadata={"description": "Refuse where nothing can be heard"})


class Seek(WireSchema):
    """Where to."""

    position = Number(required=True, ge=0, le=LONGEST_SECONDS, metadata={"description": "Seconds", "example": 30.5})


class Volume(WireSchema):
    """How loud."""

    volume = Number(required=True, ge=0, le=1, metadata={"description": "From 0 to 1", "example": 0.7})


class Shuffle(WireSchema):
    """Whether to mix the queue."""

    enabled = Flag(load_default=True, metadata={"example": True})


class Repeat(WireSchema):
    """What to repeat."""

    mode = Choice(REPEAT_NONE, REPEAT_ONE, REPEAT_ALL, required=True, metadata={"example": REPEAT_ALL})

    @ma.post_load
    def name_it(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Call it as the player does."""
        return {"repeat_mode": data["mode"]}


class Search(Page):
    """What to look for."""

    query = Text(
        required=True, max_length=1000, metadata={"description": "In title, artist, album", "example": "alpha"}
    )


class Tracks(Page):
    """Which tracks."""

    search = maybe_text("In title, artist, album")
    genre = maybe_text("Exactly this genre")
    artist = maybe_text("Exactly this artist")
    album = maybe_text("Exactly this album")
    missing = Flag(load_default=False, metadata={"description": "Those whose files are gone, instead"})


class OneTrack(WireSchema):
    """Which track."""

    track_id = track_number(required=True)


class Rating(OneTrack):
    """How good a track is."""

    rating = WholeNumber(required=True, ge=0, le=5, metadata={"description": "0 to 5 stars", "example": 5})


class History(Page):
    """Whose history."""

    track_id = track_number(load_default=None, allow_none=True)


class Scan(WireSchema):
    """Where to look for music."""

    directory = Text(
        load_default=None,
        allow_none=True,
        min_length=1,
        max_length=4096,
        metadata={"description": "Within the allowed directories, which are all scanned without it", "example": "jazz"},
    )
    recursive = Flag(load_default=True, metadata={"description": "Also what lies below", "example": True})


class PlaylistCall(Page):
    """What to do with which playlist. A name alone opens it, and makes it where there is none."""

    operation = Choice(*OPERATIONS, load_default=None, allow_none=True, metadata={"example": "add"})
    name = playlist_name(load_default=None, allow_none=True)
    new_name = playlist_name(load_default=None, allow_none=True)
    description = Text(load_default=None, allow_none=True, max_length=1000)
    track_id = track_number(load_default=None, allow_none=True)
    track_ids = track_numbers(load_default=list)
    position = WholeNumber(
        load_default=None,
        allow_none=True,
        ge=0,
        le=LARGEST_ID,
        metadata={"description": "The place of the first of the tracks, from 0", "example": 0},
    )

    @ma.post_load
    def gather_tracks(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """One track is a list of one."""
        one = data.pop("track_id")
        return data if one is None else {**data, "track_ids": [one, *data["track_ids"]]}
