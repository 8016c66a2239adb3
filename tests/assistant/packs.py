"""Archives of tailor packs, good ones and others."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from werkzeug.test import TestResponse

from tests.assistant.tools import Tools

URL = "/api/tailor-packs"
FILES = {"templates/letter.txt": b"Dear customer,\n", "templates/deep/plan.csv": b"day,what\n", "empty.txt": b""}


def manifest(**changes: Any) -> dict[str, Any]:
    """A manifest; None takes a field away."""
    given = {
        "pack_id": "marketing_essentials",
        "name": "Marketing Essentials",
        "version": "1.2.0",
        "description": "Letters and plans.",
        "author": "Example Ltd.",
        "target_audience": "freelancer",
        "business_category": "marketing",
        "features": ["Letters", "Plans"],
        **changes,
    }
    return {name: value for name, value in given.items() if value is not None}


def archive(members: dict[str, bytes] | None = None, **changes: Any) -> bytes:
    """An archive of a manifest and other members."""
    return zipped(
        {"manifest.json": json.dumps(manifest(**changes)).encode(), **(FILES if members is None else members)}
    )


def zipped(members: dict[str, bytes]) -> bytes:
    """An archive of just these members."""
    return zipped_infos([(ZipInfo(name), content) for name, content in members.items()])


def zipped_infos(members: list[tuple[ZipInfo, bytes]]) -> bytes:
    """An archive of members that are described by hand."""
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as made:
        for info, content in members:
            made.writestr(info, content, ZIP_DEFLATED)
    return file.getvalue()


def send(tools: Tools, content: bytes, name: str = "pack.zip") -> TestResponse:
    """The answer to an upload."""
    data = {"packFile": (io.BytesIO(content), name)}
    return tools.app.test_client().post(f"{URL}/import-file", data=data, base_url="http://127.0.0.1")


def post(tools: Tools, path: str, body: Any = None) -> TestResponse:
    """The answer to another call."""
    given = {} if body is None else {"json": body}
    return tools.app.test_client().post(f"{URL}{path}", base_url="http://127.0.0.1", **given)


def get(tools: Tools, path: str = "") -> Any:
    """What a question is answered."""
    answer = tools.app.test_client().get(f"{URL}{path}", base_url="http://127.0.0.1")
    assert answer.status_code == 200, answer.text
    return answer.json


def installed(tools: Tools) -> dict[str, Any]:
    """The packs by their ids."""
    return {pack["id"]: pack for pack in get(tools)["installedPacks"]}


def on_disk(tools: Tools) -> dict[str, bytes]:
    """Every file of every pack, by its path."""
    directory = tools.directory / "data" / "packs"
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in Path(directory).rglob("*")
        if path.is_file() and path.name != "lock"
    }


def members(content: bytes) -> dict[str, bytes]:
    """The files of an archive."""
    with ZipFile(io.BytesIO(content)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
