"""The files of packs. A pack is there as a whole or not at all, whenever the power goes.

A pack is unpacked to `.incoming-<directory>`, then its row is written, then it gets its name. What a crash leaves is
seen to by `recover`: with a row it gets its name, without one it goes; so does what another version has replaced.
"""

import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from backend.assistant.services.file_locks import LockedError, take
from backend.assistant.services.tailor_packs.archives import Contents, pieces
from backend.assistant.services.tailor_packs.refusals import PackRefusedError
from backend.assistant.settings.tailor_packs import TailorPackSettings
from backend.core.durable_files import sync_directory, write_new

INCOMING = ".incoming-"
DIRECTORY = re.compile(r"(?P<pack>[A-Za-z0-9_-]{1,100})-[0-9a-f]{16}")
PATIENCE = 30.0
DISK = "The pack's files can't be written; nothing was installed."


class Store:
    """The directory of all packs, which the processes of the server share."""

    def __init__(self, settings: TailorPackSettings) -> None:
        self._settings = settings
        self.is_recovered = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody else from changing packs; refuses (503) where somebody does so for half a minute."""
        try:
            lock = take(self._settings.directory / "lock", PATIENCE)
        except LockedError:
            raise PackRefusedError(503, "Packs are being changed by somebody else: try again.") from None
        except OSError as error:
            raise PackRefusedError(503, "The directory of packs can't be written.") from error
        try:
            yield
        finally:
            os.close(lock)

    def unpack(self, contents: Contents) -> str:
        """Write the files of a pack; its directory, which `settle` makes a pack's. Refuses (507) on a full disk."""
        directory = f"{contents.manifest.pack_id}-{secrets.token_hex(8)}"
        incoming = self._settings.directory / f"{INCOMING}{directory}"
        try:
            incoming.mkdir(mode=0o700)
            for member, parts in contents.files:
                path = incoming.joinpath(*parts)
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_new(path, pieces(contents.archive, member))
            for path in [incoming, *(path for path in incoming.rglob("*") if path.is_dir())]:
                sync_directory(path)
            sync_directory(self._settings.directory)
        except OSError as error:
            self.discard(directory)
            raise PackRefusedError(507, DISK) from error
        except BaseException:
            self.discard(directory)
            raise
        return directory

    def settle(self, directory: str) -> None:
        """Give an unpacked pack its name, now that its row is written."""
        incoming = self._settings.directory / f"{INCOMING}{directory}"
        if incoming.exists():
            incoming.rename(self._settings.directory / directory)

    def discard(self, directory: str) -> None:
        """Remove a pack's files, those under way included."""
        for name in (directory, f"{INCOMING}{directory}"):
            shutil.rmtree(self._settings.directory / name, ignore_errors=True)

    def find(self, directory: str) -> Path:
        """Where a pack's files lie; refuses (404) where somebody has removed them."""
        for name in (directory, f"{INCOMING}{directory}"):
            if (self._settings.directory / name).is_dir():
                return self._settings.directory / name
        raise PackRefusedError(404, "Pack directory not found")

    def recover(self, rows: Collection[tuple[str, str]]) -> None:
        """Finish or undo what a crash has left; `rows` are the id and the directory of each pack. Call it alone."""
        named = dict(rows)
        wanted = set(named.values())
        for path in list(self._settings.directory.iterdir()):
            directory = path.name.removeprefix(INCOMING)
            found = DIRECTORY.fullmatch(directory)
            if found is None:
                continue
            is_incoming = path.name != directory
            if directory in wanted:
                self.settle(directory)
            elif is_incoming or found["pack"] in named:
                shutil.rmtree(path, ignore_errors=True)
        self.is_recovered = True
