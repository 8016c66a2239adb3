"""`POST /api/tools/music`: a library, playlists, and a player without a sound device."""

from flask import Flask, current_app

from backend.assistant.api.timed import now
from backend.assistant.api.tool_actions import Action, tool_blueprint
from backend.assistant.schemas import music as schemas
from backend.assistant.services.music import library, player, playlists, scanning
from backend.assistant.settings.music import MusicSettings
from backend.core.settings import Settings

EXTENSION = "music"


def install_music(app: Flask) -> None:
    """Tell `app` where music may lie; raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    app.extensions[EXTENSION] = MusicSettings.read(settings.read)


ACTIONS = {
    "play": Action(schemas.Play(), now(player.play)),
    "pause": Action(schemas.Nothing(), now(player.pause)),
    "resume": Action(schemas.Resume(), now(player.resume)),
    "stop": Action(schemas.Nothing(), now(player.stop)),
    "next": Action(schemas.Nothing(), now(player.go_next)),
    "previous": Action(schemas.Nothing(), now(player.go_back)),
    "seek": Action(schemas.Seek(), now(player.seek)),
    "volume": Action(schemas.Volume(), now(player.set_mode)),
    "shuffle": Action(schemas.Shuffle(), now(player.set_shuffle)),
    "repeat": Action(schemas.Repeat(), now(player.set_mode)),
    "status": Action(schemas.Nothing(), now(player.status)),
    "queue": Action(schemas.Page(), now(player.queue)),
    "search": Action(schemas.Search(), library.search),
    "tracks": Action(schemas.Tracks(), library.tracks),
    "track": Action(schemas.OneTrack(), library.track),
    "rate": Action(schemas.Rating(), library.rate),
    "history": Action(schemas.History(), library.history),
    "playlist": Action(schemas.PlaylistCall(), now(playlists.carry_out)),
    "scan": Action(
        schemas.Scan(),
        now(lambda session, at, **wanted: scanning.scan(session, at, current_app.extensions[EXTENSION], **wanted)),
    ),
}

music = tool_blueprint("music", "Music", ACTIONS)
