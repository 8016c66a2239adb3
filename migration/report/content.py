"""What a body is: JSON, a form, text, or bytes that are none of these."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any

#: Longer JSON is shown as text: nobody reads it to the end, and parsing it for each difference costs.
_PARSED_BYTES = 2_000_000


class Form(enum.StrEnum):
    EMPTY = "empty"
    JSON = "json"
    FORM = "form"
    TEXT = "text"
    BINARY = "binary"


@dataclass(frozen=True, slots=True)
class Content:
    """A body taken apart: ``value`` is the parsed JSON, or the text; None for an empty or a binary body."""

    form: Form
    value: Any = None


def read(body: bytes, content_type: str = "") -> Content:
    """Take a body apart by its bytes; the content type only decides where they allow more than one reading."""
    if not body:
        return Content(Form.EMPTY)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return Content(Form.BINARY)
    if "\x00" in text:
        return Content(Form.BINARY)
    if len(body) <= _PARSED_BYTES and ("json" in content_type or text.lstrip()[:1] in ("{", "[")):
        try:
            return Content(Form.JSON, json.loads(text))
        except (ValueError, RecursionError):
            return Content(Form.TEXT, text)
    return Content(Form.FORM if "x-www-form-urlencoded" in content_type else Form.TEXT, text)
