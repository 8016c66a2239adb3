"""Looking at uploaded files before anything is done with them."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from werkzeug.datastructures import FileStorage
from werkzeug.utils import secure_filename

from backend.core.errors import RequestRefusedError

MOST_FILES = 50
LONGEST_NAME = 200


@dataclass(frozen=True)
class UploadedFile:
    """A file under the name it will be stored with. Its content can be read again and again."""

    name: str
    content: BinaryIO

    def read(self) -> bytes:
        """All of it."""
        return self.rewound().read()

    def rewound(self) -> BinaryIO:
        """The content, from its beginning."""
        self.content.seek(0)
        return self.content


def accepted(files: Sequence[FileStorage], formats: Sequence[str], max_file_bytes: int) -> list[UploadedFile]:
    """The files that have a name, of any of `formats` (`.onnx`) and size limits; Refused with 400.

    Names keep nothing that could lead out of a directory. Of files with the same name the last one counts.
    """
    if not files:
        raise RequestRefusedError(400, "No files provided")
    named = [file for file in files if file.filename]
    if not named:
        raise RequestRefusedError(400, "No files selected")
    if len(named) > MOST_FILES:
        raise RequestRefusedError(400, f"Too many files: {len(named)}. At most {MOST_FILES} are taken at once")
    checked = [_accepted(file, formats, max_file_bytes) for file in named]
    return list({file.name: file for file in checked}.values())


def _accepted(file: FileStorage, formats: Sequence[str], max_file_bytes: int) -> UploadedFile:
    name = secure_filename(file.filename or "")
    if Path(name).suffix.lower() not in formats:
        raise RequestRefusedError(400, f"File type not allowed: {name}. Allowed types: {', '.join(formats)}")
    if len(name) > LONGEST_NAME:
        raise RequestRefusedError(400, f"File name too long: {name[:20]}... At most {LONGEST_NAME} characters")
    content = cast(BinaryIO, file.stream)
    if content.seek(0, io.SEEK_END) > max_file_bytes:
        raise RequestRefusedError(400, f"File too large: {name}. At most {max_file_bytes} bytes are taken")
    return UploadedFile(name, content)
