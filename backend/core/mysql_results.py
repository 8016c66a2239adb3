"""Reading results of MySQL and MariaDB: what a driver in Python does with each column of each row is what costs."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pymysql.connections import TEXT_TYPES, MySQLResult
from pymysql.constants import FIELD_TYPE
from pymysql.converters import decoders, through
from pymysql.protocol import FieldDescriptorPacket

ENCODING = "utf8"
BINARY = 63
MOST_KNOWN_COLUMNS = 4096
NULL = 251
BYTES_OF_LENGTH = {252: 2, 253: 3, 254: 8}

Converter = tuple[str | None, Callable[[Any], Any] | None]


class FrugalResult(MySQLResult):
    """Reads a result as its parent does, but each column's description is only understood once, and rows in one go.

    For connections in UTF-8 with the driver's own converters.
    """

    def _get_descriptions(self) -> None:
        connection = self.connection
        read = connection._read_bytes
        columns = []
        for _ in range(self.field_count):
            columns.append(_column(read(int.from_bytes(read(4)[:3], "little"))))
        connection._next_seq_id = (connection._next_seq_id + self.field_count) % 256
        connection._read_packet()
        self.fields = [field for field, _, _ in columns]
        self.converters = [converter for _, converter, _ in columns]
        self.description = tuple(description for _, _, description in columns)

    def _read_row_from_packet(self, packet: Any) -> tuple[Any, ...]:
        data: bytes = packet.get_all_data()
        position = 0
        row: list[Any] = []
        for encoding, convert in self.converters:
            length = data[position]
            position += 1
            if length == NULL:
                row.append(None)
                continue
            if length > NULL:
                size = BYTES_OF_LENGTH[length]
                length = int.from_bytes(data[position : position + size], "little")
                position += size
            value: Any = data[position : position + length]
            position += length
            if encoding is not None:
                value = value.decode(encoding)
            row.append(value if convert is None else convert(value))
        return tuple(row)


@lru_cache(MOST_KNOWN_COLUMNS)
def _column(described: bytes) -> tuple[FieldDescriptorPacket, Converter, tuple[Any, ...]]:
    """What the driver keeps of a column: its description as sent, how to read its values, its description in DB-API."""
    field = FieldDescriptorPacket(described, ENCODING)
    text = field.type_code in TEXT_TYPES or field.type_code == FIELD_TYPE.JSON
    binary = field.type_code in TEXT_TYPES and field.charsetnr == BINARY
    encoding = None if binary else ENCODING if text else "ascii"
    convert = decoders.get(field.type_code)
    return field, (encoding, None if convert is through else convert), field.description()
