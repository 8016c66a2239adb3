"""What a music file says of itself, read by mutagen."""

from contextlib import suppress
from typing import Any, BinaryIO

from backend.assistant.services.extras import needs_extra

SUFFIXES = frozenset((".mp3", ".wav", ".flac", ".ogg", ".m4a", ".aac"))
LONGEST_TEXT = 255
LARGEST = 2**31 - 1
# ID3's names where mutagen offers no easier ones.
FRAMES = {"title": "TIT2", "artist": "TPE1", "album": "TALB", "genre": "TCON", "tracknumber": "TRCK", "date": "TDRC"}


class UnreadableError(Exception):
    """The file is no music, whatever its name says."""


def require_library() -> None:
    """Refuse (503) where mutagen is not installed."""
    with needs_extra("Scanning music"):
        import mutagen  # noqa: F401 - asked for, not used


def read(file: BinaryIO, stem: str) -> dict[str, Any]:
    """The columns of a track that its file tells; `stem` is the title of one without. Raises UnreadableError."""
    import mutagen

    try:
        found = mutagen.File(file, easy=True)
    except Exception as error:  # parsers of strange files fail in many ways, and none of them is ours
        raise UnreadableError from error
    if found is None or found.info is None:
        raise UnreadableError
    tags = _texts(found.tags)
    info = found.info
    words = {
        "title": tags.get("title") or _clean(stem) or "Untitled",
        "artist": tags.get("artist") or "Unknown Artist",
        "album": tags.get("album") or "Unknown Album",
    }
    return {
        **words,
        "search_text": "\n".join(words.values()).casefold(),
        "genre": tags.get("genre") or "Unknown",
        "track_number": _number(tags.get("tracknumber", "").partition("/")[0]),
        "year": _number(tags.get("date", "")[:4]),
        "duration": round(max(0.0, min(float(getattr(info, "length", 0.0) or 0.0), 1e7)), 3),
        "bitrate": min(int(getattr(info, "bitrate", 0) or 0), LARGEST),
        "sample_rate": min(int(getattr(info, "sample_rate", 0) or 0), LARGEST),
    }


def _texts(tags: Any) -> dict[str, str]:
    texts = {}
    for name, frame in FRAMES.items():
        with suppress(Exception):  # a tag that can't be read is as good as none
            value = tags.getall(frame)[0] if hasattr(tags, "getall") else tags[name]
            texts[name] = _clean(str(value[0] if isinstance(value, list) else value))
    return texts


def _clean(text: str) -> str:
    """The text as any database keeps it: printable, on one line, not too long."""
    plain = text.encode("utf-8", "replace").decode().replace("\0", " ")
    return " ".join(plain.split())[:LONGEST_TEXT]


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() and len(text.strip()) < 9 else 0
