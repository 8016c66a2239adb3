"""Request bodies that a recording cut for their size.

A recorder may say in words how such a body is rebuilt. The one form understood is a multipart body with a single
file of one repeated letter; whatever is rebuilt must have the recorded size and hash, or it is not used.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

_ONE_REPEATED_LETTER = re.compile(
    r"one part named (?P<name>\S+), filename (?P<filename>\S+), content is the letter (?P<letter>\w) "
    r"repeated (?P<count>\d+) times"
)
_BOUNDARY = re.compile(r'boundary="?(?P<boundary>[^";]+)')


def restore_body(post: dict[str, Any], content_type: str) -> bytes:
    """The whole body behind a truncated ``postData``.

    Raises :class:`ValueError` when it can't be rebuilt to the recorded ``_size`` and ``_sha256``.
    """
    description = _ONE_REPEATED_LETTER.search(post.get("comment", ""))
    boundary = _BOUNDARY.search(content_type or str(post.get("mimeType", "")))
    size, digest = int(post["_size"]), post["_sha256"]
    if description and boundary:
        count = int(description["count"])
        for part_type in ("", "Content-Type: application/octet-stream\r\n"):
            head, tail = _around(description, boundary["boundary"], part_type)
            if len(head) + count + len(tail) != size:
                continue
            body = b"".join((head, description["letter"].encode() * count, tail))
            if hashlib.sha256(body).hexdigest() == digest:
                return body
    raise ValueError(f"its body of {size} bytes was cut by the recorder and can't be rebuilt")


def _around(description: re.Match[str], boundary: str, part_type: str) -> tuple[bytes, bytes]:
    """What stands before and after the content of the file."""
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{description["name"]}"; filename="{description["filename"]}"\r\n'
        f"{part_type}\r\n"
    )
    return head.encode(), f"\r\n--{boundary}--\r\n".encode()
