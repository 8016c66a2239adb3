"""Giving packs out as archives: the same files make the same bytes, and what is exported can be imported again."""

import json
import shutil
import tempfile
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from backend.assistant.services.records import Row
from backend.assistant.services.tailor_packs.installed import is_active
from backend.assistant.services.tailor_packs.refusals import PackRefusedError
from backend.assistant.services.tailor_packs.store import Store

#: The earliest moment that zip archives know: when a file was written here says nothing about the pack.
ALWAYS = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16
UNIX = 3
CONTENTS = "backup.json"
FAILED = "Export failed: the pack's files can't be read."


def export(store: Store, row: Row) -> IO[bytes]:
    """The archive of one pack, at its beginning, in a file that is gone when it is closed. Refuses with 404 and 500."""
    directory = store.find(row["directory"])
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever sends it closes it)
    try:
        with ZipFile(file, "w") as archive:
            for path in sorted(path for path in directory.rglob("*") if path.is_file() and not path.is_symlink()):
                _add(archive, path.relative_to(directory).as_posix(), path, ZIP_DEFLATED)
    except OSError as error:
        file.close()
        raise PackRefusedError(500, FAILED) from error
    file.seek(0)
    return file


def backup(store: Store, rows: list[Row], at: datetime) -> IO[bytes]:
    """An archive of all packs, each as its export, with a list of which of them were active."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever sends it closes it)
    try:
        with ZipFile(file, "w") as archive:
            for row in rows:
                _add(archive, f"{row['pack_id']}.zip", export(store, row), ZIP_STORED)
            packs = [
                {"id": row["pack_id"], "version": row["version"], "active": is_active(row, at)}
                for row in sorted(rows, key=lambda row: row["pack_id"])
            ]
            archive.writestr(_described(CONTENTS, ZIP_DEFLATED), json.dumps({"packs": packs}, indent=2) + "\n")
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def _add(archive: ZipFile, name: str, source: Path | IO[bytes], compression: int) -> None:
    opened = source.open("rb") if isinstance(source, Path) else source
    with closing(opened), archive.open(_described(name, compression), "w") as member:
        shutil.copyfileobj(opened, member)


def _described(name: str, compression: int) -> ZipInfo:
    member = ZipInfo(name, ALWAYS)
    member.compress_type, member.external_attr, member.create_system = compression, READABLE, UNIX
    return member
