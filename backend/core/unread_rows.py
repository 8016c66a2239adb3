"""Rows as MySQL sends them: as texts, of which values are made when it is known who wants which."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, overload

NULL = 251
SIGN_OF_NULL = b"\xfb"
BYTES_OF_LENGTH = {252: 2, 253: 3, 254: 8}

#: Makes a value of a text whose characters are the octets that the server sent.
Reader = Callable[[str], Any]
Row = tuple[Any, ...]


def utf8(octets: str) -> str:
    """What all texts are read by."""
    return octets if octets.isascii() else octets.encode("latin-1").decode()


def as_bytes(octets: str) -> bytes:
    """What is no text."""
    return octets.encode("latin-1")


class UnreadRows(Sequence[Row]):
    """The rows of a result. As a sequence they are read as the driver would; `read` lets others say how."""

    def __init__(self, readers: Sequence[Reader]) -> None:
        self.readers = readers
        self._texts: list[str | None] = []
        self._count = 0
        self._only_ascii = True
        self._rows: tuple[Row, ...] | None = None

    def add(self, packet: bytes) -> None:
        """Take a row as it was sent, and apart: while that is done, the server is looking for the next ones."""
        octets = packet.decode("latin-1")
        add, begin, end = self._texts.append, 1, len(packet)
        while begin <= end:
            # A value begins behind its length, and the next length is where it ends.
            length = packet[begin - 1]
            if length < NULL:
                behind = begin + length
                add(octets[begin:behind])
                begin = behind + 1
            elif length == NULL:
                add(None)
                begin += 1
            else:
                size = BYTES_OF_LENGTH[length]
                first = begin + size
                behind = first + int.from_bytes(packet[begin:first], "little")
                add(octets[first:behind])
                begin = behind + 1
        self._count += 1
        # No UTF-8 holds the sign of NULL. Lengths may look like other letters: then there is only more to do.
        if self._only_ascii and not packet.isascii() and not packet.replace(SIGN_OF_NULL, b"").isascii():
            self._only_ascii = False

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if self._rows is None:
            self._rows = tuple(self.read(self.readers))
        return self._rows[index]

    def read(self, readers: Sequence[Reader]) -> Iterable[Row]:
        """The rows, each column read by its reader; NULL is None."""
        if self._count == 1:
            row = [None if text is None else read(text) for text, read in zip(self._texts, readers, strict=True)]
            return (tuple(row),)
        values: list[Any] = list(self._texts)
        width = len(readers)
        # Column by column: most are of ASCII, of which nothing is to be made.
        for index, read in enumerate(readers):
            if read is not utf8 or not self._only_ascii:
                values[index::width] = [None if text is None else read(text) for text in values[index::width]]
        return zip(*[iter(values)] * width, strict=True)
