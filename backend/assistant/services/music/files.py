"""Finding music files below allowed directories, and nowhere else."""

import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from backend.assistant.services.music.tags import SUFFIXES
from backend.assistant.settings.music import MusicSettings
from backend.core.errors import RequestRefusedError

#: Entries of directories that one scan looks at, for each music file that it may take.
ENTRIES_PER_FILE = 20


@dataclass(frozen=True)
class Found:
    """A music file: its true path, and what tells whether it has changed."""

    path: Path
    size: int
    modified_ns: int


@dataclass
class Search:
    """One walk through directories. `counted` says what was left out; `complete` whether all of them were seen."""

    settings: MusicSettings
    recursive: bool
    counted: Counter[str] = field(default_factory=Counter)
    complete: bool = True

    def __post_init__(self) -> None:
        """Note the true places of the allowed directories, and when the walk must end."""
        self._roots = tuple(root.resolve() for root in self.settings.roots)
        self._deadline = time.monotonic() + self.settings.scan_seconds
        self._entries = self.settings.scan_files * ENTRIES_PER_FILE
        self._seen: set[Path] = set()
        self._files = 0

    @property
    def out_of_time(self) -> bool:
        """Whether the walk has taken as long as it may."""
        return time.monotonic() > self._deadline

    def directories(self, wanted: str | None) -> list[Path]:
        """Where to look: a directory, relative to the first allowed one, or all that are allowed and exist.

        Raises RequestRefusedError: 403 outside of them, 404 where there is no such directory.
        """
        if wanted is None:
            return [root for root in self._roots if root.is_dir()]
        try:
            directory = (self.settings.roots[0] / wanted).resolve()
            allowed, exists = self.allows(directory), directory.is_dir()
        except (OSError, ValueError, RuntimeError):
            allowed, exists = True, False
        if not allowed:
            raise RequestRefusedError(403, "The directory is outside of those that MUSIC_ROOTS allows")
        if not exists:
            raise RequestRefusedError(404, "There is no such directory")
        return [directory]

    def allows(self, path: Path) -> bool:
        """Whether a true path is one of the allowed directories, or below one."""
        return any(path.is_relative_to(root) for root in self._roots)

    def files(self, directories: list[Path]) -> Iterator[Found]:
        """All music files, each once; what can't be read or must not be is counted."""
        waiting = list(reversed(directories))
        while waiting:
            directory = waiting.pop()
            if directory in self._seen:
                continue
            self._seen.add(directory)
            try:
                paths = sorted(directory.iterdir())
            except OSError:
                self.counted["unreadable"] += 1
                # What was in it is not gone, only out of sight.
                self.complete = False
                continue
            below = []
            for path in paths:
                self._entries -= 1
                if self._entries < 0 or self.out_of_time:
                    self.complete = False
                    return
                found = self._look_at(path)
                if isinstance(found, Path):
                    below.append(found)
                elif found is not None:
                    yield found
            if self.recursive:
                waiting += reversed(below)

    def _look_at(self, path: Path) -> Found | Path | None:
        """A music file, a directory to look into, or nothing."""
        try:
            true_path = path.resolve() if path.is_symlink() else path
            if not self.allows(true_path):
                self.counted["refused"] += 1
                return None
            about = true_path.lstat()
        except (OSError, RuntimeError):
            self.counted["unreadable"] += 1
            return None
        if stat.S_ISDIR(about.st_mode):
            return true_path
        if true_path.suffix.lower() not in SUFFIXES or not stat.S_ISREG(about.st_mode) or true_path in self._seen:
            return None
        self._seen.add(true_path)
        if not _is_text(str(true_path)):
            self.counted["unreadable"] += 1
            return None
        if self._files >= self.settings.scan_files:
            self.counted["skipped"] += 1
            self.complete = False
            return None
        self._files += 1
        return Found(true_path, about.st_size, about.st_mtime_ns)


def _is_text(path: str) -> bool:
    """Whether databases can keep a path: names of files may be any bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
