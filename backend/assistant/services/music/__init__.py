"""A library of music files, playlists, and a player that keeps track of what plays: it has no sound device."""
