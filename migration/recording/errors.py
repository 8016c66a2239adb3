"""What can be wrong with a recording."""

from __future__ import annotations


class RecordingError(Exception):
    """A recording, sidecar or rows file can't be used; the text is one sentence for the user."""
