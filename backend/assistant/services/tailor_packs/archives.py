"""Archives from outside: looked through from end to end before anything of them is written."""

import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from backend.assistant.services.tailor_packs import manifest as manifests
from backend.assistant.services.tailor_packs.manifest import Manifest
from backend.assistant.services.tailor_packs.member_names import check_name, check_together
from backend.assistant.services.tailor_packs.refusals import PackRefusedError, unsound

CHUNK = 64 * 1024
#: Nothing honest is smaller than this part of itself when it is packed; below `SMALL` bytes nobody is hurt.
MOST_RATIO, SMALL = 100, 1024 * 1024
#: Bits of an entry: encrypted, strongly encrypted, with masked names.
ENCRYPTED = 0x1 | 0x40 | 0x2000
END, END_LENGTH, LONGEST_COMMENT = b"PK\x05\x06", 22, 0xFFFF
END64_LOCATOR, LOCATOR_LENGTH = b"PK\x06\x07", 20
BROKEN = (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error, ValueError, OverflowError)


@dataclass(frozen=True)
class Limits:
    """Of one pack: its files, and the bytes of all of them."""

    files: int
    bytes: int


@dataclass(frozen=True)
class Contents:
    """An archive that was found sound: its files, with the parts of their names, and what it says of itself."""

    archive: ZipFile
    files: tuple[tuple[ZipInfo, tuple[str, ...]], ...]
    manifest: Manifest
    size: int


@contextmanager
def looked_through(file: IO[bytes], limits: Limits) -> Iterator[Contents]:
    """The contents of an archive while it is open; raises PackRefusedError (413, 422), having written nothing."""
    with _broken_is_refused():
        packed = _check_end(file, limits)
        archive = ZipFile(file)
    with archive:
        yield _look_through(archive, limits, packed)


def pieces(archive: ZipFile, member: ZipInfo) -> Iterator[bytes]:
    """The bytes of a file, piece by piece."""
    with archive.open(member) as opened:
        while piece := opened.read(CHUNK):
            yield piece


def _check_end(file: IO[bytes], limits: Limits) -> int:
    """The size of the file, whose list of members is checked to be short before it is read into memory."""
    size = file.seek(0, 2)
    begin = max(0, size - LONGEST_COMMENT - END_LENGTH - LOCATOR_LENGTH)
    file.seek(begin)
    tail = file.read()
    has_no_comment = tail[-END_LENGTH:].startswith(END) and tail.endswith(b"\0\0")
    at = len(tail) - END_LENGTH if has_no_comment else tail.rfind(END)
    if at < 0 or len(tail) - at < END_LENGTH:
        raise unsound("it is not a zip archive.")
    if tail[max(0, at - LOCATOR_LENGTH) : at].startswith(END64_LOCATOR):
        raise unsound("it is a zip archive for very many or very large files.")
    members, list_size = struct.unpack("<HI", tail[at + 10 : at + 16])
    # Directories are listed beside files; a name, and what else is said of it, takes less than this.
    if members > 2 * limits.files or list_size > 2 * limits.files * 1024:
        raise PackRefusedError(413, f"A pack holds at most {limits.files} files.")
    return size


def _look_through(archive: ZipFile, limits: Limits, packed: int) -> Contents:
    members = archive.infolist()
    named = [(member, check_name(member.orig_filename)) for member in members]
    for member in members:
        _check_kind(member)
    files = tuple((member, parts) for member, parts in named if not member.is_dir())
    if len(files) > limits.files:
        raise PackRefusedError(413, f"A pack holds at most {limits.files} files.")
    check_together((parts for _, parts in files), (parts for member, parts in named if member.is_dir()))
    text: bytes | None = None
    total = 0
    for member, parts in files:
        kept = bytearray() if parts == (manifests.NAME,) else None
        total += _count(archive, member, kept, limits.bytes - total)
        text = bytes(kept) if kept is not None else text
        if total > SMALL and total > packed * MOST_RATIO:
            raise PackRefusedError(413, "The pack's files are far larger than the archive: it is not unpacked.")
    if text is None:
        raise unsound(f"it has no {manifests.NAME}.")
    return Contents(archive, files, manifests.parse(text), total)


def _check_kind(member: ZipInfo) -> None:
    shown = ascii(member.orig_filename[:80])
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > member.is_dir():
        raise unsound(f"{shown} is neither a file nor a directory.")
    if member.is_dir() and (member.file_size or kind == stat.S_IFREG):
        raise unsound(f"{shown} is a directory with contents of its own.")
    if member.flag_bits & ENCRYPTED:
        raise unsound(f"{shown} is encrypted.")
    if member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise unsound(f"{shown} is compressed in an unusual way.")


def _count(archive: ZipFile, member: ZipInfo, kept: bytearray | None, room: int) -> int:
    """The bytes that a file really has, whatever the archive says; the manifest's are `kept`."""
    size = 0
    with _broken_is_refused():
        for piece in pieces(archive, member):
            size += len(piece)
            if size > room:
                raise PackRefusedError(413, "The pack's files are too large: see TAILOR_PACKS_MOST_BYTES.")
            if size > SMALL and size > max(member.compress_size, 1) * MOST_RATIO:
                raise PackRefusedError(413, "The pack's files are far larger than the archive: it is not unpacked.")
            if kept is not None:
                kept += piece
                if size > manifests.MOST_BYTES:
                    raise unsound(f"{manifests.NAME} is too large.")
    return size


@contextmanager
def _broken_is_refused() -> Iterator[None]:
    try:
        yield
    except BROKEN:
        raise unsound("the archive is damaged.") from None
