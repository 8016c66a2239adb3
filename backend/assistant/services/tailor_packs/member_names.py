"""Names in archives: only those that mean a file below the directory of the pack, on any system."""

import re
import unicodedata
from collections.abc import Iterable

from backend.assistant.services.tailor_packs.refusals import unsound

LONGEST_NAME, LONGEST_PART, DEEPEST = 400, 150, 12
#: What some system gives a meaning of its own: separators, drives, streams, wildcards, control characters.
FORBIDDEN = re.compile(r'[\\:*?"<>|\x00-\x1f\x7f\ud800-\udfff]')
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])(\..*)?", re.IGNORECASE)


def check_name(name: str) -> tuple[str, ...]:
    """The parts of a member's name, which may end with a slash; raises PackRefusedError (422)."""
    shown = ascii(name[:80])
    if not name.strip("/") or name.startswith("/"):
        raise unsound(f"the name {shown} leads out of it.")
    parts = tuple(name.removesuffix("/").split("/"))
    if ".." in parts or "." in parts:
        raise unsound(f"the name {shown} leads out of it.")
    if FORBIDDEN.search(name) or "" in parts or any(part != part.strip(" ").rstrip(".") for part in parts):
        raise unsound(f"the name {shown} is not the same file everywhere.")
    if any(DEVICES.fullmatch(part) for part in parts):
        raise unsound(f"the name {shown} is that of a device.")
    too_long = len(name) > LONGEST_NAME or any(len(part.encode()) > LONGEST_PART for part in parts)
    if too_long or len(parts) > DEEPEST:
        raise unsound(f"the name {shown} is too long.")
    return parts


def check_together(files: Iterable[tuple[str, ...]], directories: Iterable[tuple[str, ...]]) -> None:
    """Raise PackRefusedError (422) where two names are one on systems that don't tell large from small letters."""
    seen_files: set[str] = set()
    spelled: dict[str, str] = {}
    files = list(files)
    for parts in files:
        key = _folded("/".join(parts))
        if key in seen_files:
            raise unsound(f"two of its files are called {'/'.join(parts)[:80]!a}.")
        seen_files.add(key)
    above = [parts[:depth] for parts in files for depth in range(1, len(parts))]
    below = [parts[:depth] for parts in directories for depth in range(1, len(parts) + 1)]
    for parts in (*above, *below):
        name = "/".join(parts)
        key = _folded(name)
        if key in seen_files or spelled.setdefault(key, name) != name:
            raise unsound(f"the name {name[:80]!a} is used twice.")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
