"""The assistant before a screen, or without one."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

from werkzeug.test import TestResponse

from tests.assistant.tools import Tools

SCREEN, CAPTURE, ANALYZE = "/api/tools/screen", "/api/tools/screen/capture", "/api/tools/screen/analyze"


def post(tools: Tools, path: str, body: Any = None, **options: Any) -> TestResponse:
    """The answer to a call with that body, or with none."""
    given = {} if body is None else {"json": body}
    return tools.app.test_client().post(path, base_url="http://127.0.0.1", **given, **options)


def captures(tools: Tools) -> list[Path]:
    """The pictures that were kept, oldest first."""
    return sorted((tools.directory / "data" / "captures").glob("*.png"))


def pixel(picture: Path, x: int, y: int) -> tuple[int, int, int]:
    """The colour of one pixel of a PNG of 8 bit RGB, as this system writes them: no row refers to another."""
    data = picture.read_bytes()
    width, _height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert (depth, kind) == (8, 2)
    packed, place = b"", 8
    while place < len(data):
        length, name = struct.unpack(">I4s", data[place : place + 8])
        packed += data[place + 8 : place + 8 + length] if name == b"IDAT" else b""
        place += length + 12
    row = zlib.decompress(packed)[y * (width * 3 + 1) : (y + 1) * (width * 3 + 1)]
    assert row[0] == 0
    red, green, blue = row[1 + x * 3 : 4 + x * 3]
    return red, green, blue
