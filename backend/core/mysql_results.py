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
MOST_KNOWN_RESULTS = 1024
HEADER = 4
NULL = 251
BYTES_OF_LENGTH = {252: 2, 253: 3, 254: 8}

Converter = tuple[str | None, Callable[[Any], Any] | None]


class FrugalResult(MySQLResult):
    """Reads a result as its parent does, but understands the same columns only once, and each row in one go.

    For connections in UTF-8 with the driver's own converters.
    """

    def _get_descriptions(self) -> None:
        connection = self.connection
        known = _columns(_packets(connection, self.field_count), self.field_count)
        self.fields, self.converters, self.description = known
        connection._next_seq_id = (connection._next_seq_id + self.field_count) % 256
        connection._read_packet()

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


def _packets(connection: Any, count: int) -> bytes:
    """The next packets as they came, in one piece where they are there already."""
    there = connection._rfile.peek()
    end = 0
    for _ in range(count):
        end += HEADER + int.from_bytes(there[end : end + 3], "little")
    if end <= len(there):
        return bytes(connection._read_bytes(end))
    packets = b""
    for _ in range(count):
        header = connection._read_bytes(HEADER)
        packets += header + connection._read_bytes(int.from_bytes(header[:3], "little"))
    return packets


@lru_cache(MOST_KNOWN_RESULTS)
def _columns(packets: bytes, count: int) -> tuple[list[FieldDescriptorPacket], list[Converter], tuple[Any, ...]]:
    """What the driver keeps of the columns: as described, how to read their values, and as DB-API describes them."""
    fields, position = [], 0
    for _ in range(count):
        end = position + HEADER + int.from_bytes(packets[position : position + 3], "little")
        fields.append(FieldDescriptorPacket(packets[position + HEADER : end], ENCODING))
        position = end
    return fields, [_converter(field) for field in fields], tuple(field.description() for field in fields)


def _converter(field: FieldDescriptorPacket) -> Converter:
    text = field.type_code in TEXT_TYPES or field.type_code == FIELD_TYPE.JSON
    binary = field.type_code in TEXT_TYPES and field.charsetnr == BINARY
    encoding = None if binary else ENCODING if text else "ascii"
    convert = decoders.get(field.type_code)
    return encoding, None if convert is through else convert
