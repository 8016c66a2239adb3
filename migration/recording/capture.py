"""Bodies as a recording keeps them: up to a limit, with size and hash of the whole."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class CapturedBody:
    """Fed piece by piece; keeps the first ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._kept = bytearray()
        self._hash = hashlib.sha256()

    def feed(self, piece: bytes) -> None:
        room = self._limit - len(self._kept)
        if room > 0:
            self._kept += piece[:room]
        self.size += len(piece)
        self._hash.update(piece)

    @property
    def truncated(self) -> bool:
        return self.size > len(self._kept)

    def text(self, coding: str = "") -> str | None:
        """What was kept as text, freed of the content coding; None if it is not UTF-8."""
        content = bytes(self._kept)
        if coding:
            decoded = self._decoded(content, coding.strip().lower())
            if decoded is None:
                return None
            content = decoded
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            return None

    def base64(self) -> str:
        """What was kept, as it was on the wire."""
        return base64.b64encode(self._kept).decode("ascii")

    def truncation(self) -> dict[str, Any]:
        """The extension fields of a body that was not kept whole, nothing for others."""
        if not self.truncated:
            return {}
        return {"_truncated": True, "_size": self.size, "_sha256": self._hash.hexdigest()}

    def _decoded(self, content: bytes, coding: str) -> bytes | None:
        if coding == "identity":
            return content
        if coding not in _WINDOW_BITS or self.truncated:
            return None
        decompressor = zlib.decompressobj(_WINDOW_BITS[coding])
        try:
            decoded = decompressor.decompress(content, self._limit)
        except zlib.error:
            return None
        return decoded if decompressor.eof else None
