"""Where uploaded files are kept: one directory for each upload, which appears whole or not at all.

    <root>/<upload>/<sha256>                     what was uploaded, under the hash of its content
    <root>/<upload>/files/<name>                 the same under their names
    <root>/<upload>/files-without-pickles/<name> those of them that cannot run code when they are loaded

A directory never changes once it is there, so whoever reads from it can go on while another upload takes its place.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, BinaryIO

from backend.core.clock import utc_now
from backend.core.durable_files import sync_directory

#: Pickles and other formats of models whose files can run code when they are loaded.
PICKLE_FORMATS = frozenset((".pkl", ".joblib", ".pt", ".pth", ".h5", ".pb"))
BLOCK = 1024 * 1024
INCOMING = ".incoming-"
LONGEST_UPLOAD_SECONDS = 3600.0


class StoreError(Exception):
    """Stored files are not what they should be; the text says which."""


@dataclass(frozen=True)
class StoredFile:
    """One file of an upload: its name, the SHA-256 of its content, its size in bytes, when it was stored (UTC)."""

    name: str
    sha256: str
    size: int
    stored_at: str

    @property
    def is_pickle(self) -> bool:
        """Whether loading it can run what it contains."""
        return Path(self.name).suffix.lower() in PICKLE_FORMATS

    def as_json(self) -> dict[str, Any]:
        """As it is kept in the database."""
        return asdict(self)


class FileStore:
    """The uploads below one directory, which all processes of the system share."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def view(self, upload_id: str, *, with_pickles: bool) -> Path:
        """The directory that has the files of an upload under their names."""
        return self.root / upload_id / ("files" if with_pickles else "files-without-pickles")

    def nothing(self) -> Path:
        """A directory without files; a temporary one where there is no store that can be written to."""
        directory = self.root / "none"
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError:
            return Path(mkdtemp(prefix="no-models-"))
        return directory

    def check(self, upload_id: str, files: Iterable[StoredFile]) -> None:
        """Raise StoreError unless every file is there with the content that was uploaded."""
        for file in files:
            path = self.root / upload_id / file.sha256
            if not path.is_file():
                raise StoreError(f"{file.name} of upload {upload_id} is missing in {self.root}")
            if _hash(path) != file.sha256:
                raise StoreError(f"{file.name} of upload {upload_id} is not what was uploaded")

    @contextmanager
    def receive(self, upload_id: str) -> Iterator["Incoming"]:
        """Take in the files of an upload. Nothing of it stays if the block is left by an error."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._sweep()
        incoming = Incoming(Path(mkdtemp(prefix=INCOMING, dir=self.root)), self.root / upload_id)
        try:
            yield incoming
            incoming.keep()
        except BaseException:
            incoming.discard()
            raise

    def remove(self, upload_id: str) -> None:
        """Remove an upload that nobody will ask for again."""
        shutil.rmtree(self.root / upload_id, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what uploads left that were interrupted, after a time in which they may still go on."""
        for directory in self.root.glob(f"{INCOMING}*"):
            if _age(directory) > LONGEST_UPLOAD_SECONDS:
                shutil.rmtree(directory, ignore_errors=True)


class Incoming:
    """An upload on its way into the store."""

    def __init__(self, directory: Path, target: Path) -> None:
        self._directory = directory
        self._target = target
        self._files: dict[str, StoredFile] = {}
        self._kept = False

    @property
    def files(self) -> list[StoredFile]:
        """What has been taken in, in order; of files of one name the last."""
        return list(self._files.values())

    def add(self, name: str, content: BinaryIO) -> Path:
        """Take in one file, `name` being a plain file name; where it is until it is kept."""
        part = self._directory / "part"
        digest, size = hashlib.sha256(), 0
        with part.open("wb") as file:
            while block := content.read(BLOCK):
                file.write(block)
                digest.update(block)
                size += len(block)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o444)
        self._files[name] = StoredFile(name, digest.hexdigest(), size, utc_now().isoformat())
        return part.replace(self._directory / digest.hexdigest())

    def add_stored(self, store: FileStore, upload_id: str, file: StoredFile) -> None:
        """Take over a file of an earlier upload; raises StoreError if it is damaged."""
        store.check(upload_id, [file])
        target = self._directory / file.sha256
        if not target.exists():
            os.link(store.root / upload_id / file.sha256, target)
        self._files[file.name] = file

    def keep(self) -> Path:
        """Put the upload in its place, all at once; the directory with all its files under their names."""
        if not self._kept:
            _name_files(self._directory / "files", self.files)
            _name_files(self._directory / "files-without-pickles", [file for file in self.files if not file.is_pickle])
            sync_directory(self._directory)
            self._directory.chmod(0o755)
            self._directory.rename(self._target)
            sync_directory(self._target.parent)
            self._kept = True
        return self._target / "files"

    def discard(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self._target if self._kept else self._directory, ignore_errors=True)


def stored_files(kept: Any) -> list[StoredFile]:
    """The files of an upload from what the database keeps of them."""
    return [StoredFile(**file) for file in kept or ()]


def _name_files(directory: Path, files: Iterable[StoredFile]) -> None:
    directory.mkdir()
    for file in files:
        (directory / file.name).symlink_to(Path("..") / file.sha256)
    sync_directory(directory)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _age(directory: Path) -> float:
    try:
        return time.time() - directory.stat().st_mtime
    except OSError:
        return 0.0
