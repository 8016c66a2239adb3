"""Reading results of MySQL and MariaDB: what a driver in Python does with each column of each row is what costs."""

from collections.abc import Callable
from datetime import datetime
from functools import cache, lru_cache
from struct import unpack
from typing import Any

from pymysql.connections import TEXT_TYPES, MySQLResult
from pymysql.constants import CR, FIELD_TYPE, SERVER_STATUS
from pymysql.converters import convert_datetime, decoders, through
from pymysql.err import OperationalError, raise_mysql_exception
from pymysql.protocol import FieldDescriptorPacket

from backend.core.unread_rows import BYTES_OF_LENGTH, NULL, Reader, UnreadRows, as_bytes, utf8

ENCODING = "utf8"
BINARY = 63
MOST_KNOWN_RESULTS = 1024
HEADER = 4

LONGEST_PACKET = 0xFFFFFF
DONE, ERROR, END, LONGEST_END = 0x00, 0xFF, 0xFE, 9
#: A packet that ends a list of columns: its header, the sign, warnings and the server's state.
END_OF_COLUMNS = 9


def _moment(text: str) -> Any:
    """The driver reads times by a pattern, which takes ten times as long; it is asked for those that never were."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return convert_datetime(text)


CONVERTERS = {**decoders, FIELD_TYPE.DATETIME: _moment, FIELD_TYPE.TIMESTAMP: _moment}


class FrugalResult(MySQLResult):
    """Reads a result as its parent does, but understands the same columns only once, and rows when they are wanted.

    For connections in UTF-8 with the driver's own converters.
    """

    connection: Any

    def read(self) -> None:
        """Read the answer to one statement; most are short, have come whole, and say "done" or how many columns."""
        connection = self.connection
        there = _there(connection)
        length = int.from_bytes(there[:3], "little")
        whole = 0 < length <= len(there) - HEADER and there[3] == connection._next_seq_id
        if whole and there[HEADER] == DONE:
            self._take(HEADER + length)
            self._read_done(there)
            self.connection = None
        elif whole and length == 1 and there[HEADER] < NULL:
            self._take(HEADER + length)
            self.field_count = there[HEADER]
            self._get_descriptions()
            self._read_rowdata_packet()
        else:
            super().read()

    def _take(self, size: int) -> None:
        """Take the next packet, which is there, out of the stream."""
        self.connection._rfile.read(size)
        self.connection._next_seq_id = (self.connection._next_seq_id + 1) & 255

    def _read_done(self, packet: bytes) -> None:
        self.affected_rows, position = _whole_number(packet, HEADER + 1)
        self.insert_id, position = _whole_number(packet, position)
        self.server_status, self.warning_count = unpack("<HH", packet[position : position + 4])
        self.has_next = self.server_status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS

    def _get_descriptions(self) -> None:
        connection = self.connection
        known = _columns(_packets(connection, self.field_count), self.field_count)
        self.fields, self.converters, self.description = known
        if connection._read_bytes(END_OF_COLUMNS)[HEADER] != END:
            raise lost(connection)
        connection._next_seq_id = (connection._next_seq_id + self.field_count + 1) & 255

    def _read_rowdata_packet(self) -> None:
        try:
            self._read_rows()
        except OSError as error:
            raise lost(self.connection) from error

    def _read_rows(self) -> None:
        connection = self.connection
        read, sequence = connection._rfile.read, connection._next_seq_id
        rows = UnreadRows(self.converters)
        while True:
            header = read(HEADER)
            if len(header or b"") != HEADER or header[3] != sequence:
                raise lost(connection)
            length = header[0] | header[1] << 8 | header[2] << 16
            data = read(length)
            if len(data or b"") != length:
                raise lost(connection)
            sequence = (sequence + 1) & 255
            if length == LONGEST_PACKET:
                more, sequence = _rest_of_packet(connection, sequence)
                data += more
            elif data[0] == ERROR:
                connection._next_seq_id = sequence
                raise_mysql_exception(data)
            elif data[0] == END and length < LONGEST_END:
                break
            rows.add(data)
        connection._next_seq_id = sequence
        self.warning_count, status = unpack("<xhh", data)
        self.has_next = status & SERVER_STATUS.SERVER_MORE_RESULTS_EXISTS
        self.connection = None
        self.affected_rows = len(rows)
        self.rows = rows


def _there(connection: Any) -> bytes:
    """What the server has sent and nobody has read, once there is any."""
    try:
        there = connection._rfile.peek()
    except OSError as error:
        raise lost(connection) from error
    if not there:
        raise lost(connection)
    return bytes(there)


def _whole_number(packet: bytes, position: int) -> tuple[int, int]:
    """A number of the protocol, and where the next one begins."""
    first = packet[position]
    if first < NULL:
        return first, position + 1
    end = position + 1 + BYTES_OF_LENGTH[first]
    return int.from_bytes(packet[position + 1 : end], "little"), end


def lost(connection: Any) -> OperationalError:
    """Close a connection that is lost; what is to be raised of it."""
    connection._force_close()
    return OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")


def _rest_of_packet(connection: Any, sequence: int) -> tuple[bytes, int]:
    """What follows the first 16 MB of a packet, and the number of the next one."""
    rest = b""
    while True:
        header = connection._read_bytes(HEADER)
        length = int.from_bytes(header[:3], "little")
        rest += connection._read_bytes(length)
        sequence = (sequence + 1) & 255
        if length < LONGEST_PACKET:
            return rest, sequence


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
def _columns(packets: bytes, count: int) -> tuple[list[FieldDescriptorPacket], list[Reader], tuple[Any, ...]]:
    """What the driver keeps of the columns: as described, how to read their values, and as DB-API describes them."""
    fields, position = [], 0
    for _ in range(count):
        end = position + HEADER + int.from_bytes(packets[position : position + 3], "little")
        fields.append(FieldDescriptorPacket(packets[position + HEADER : end], ENCODING))
        position = end
    return fields, [_reader(field) for field in fields], tuple(field.description() for field in fields)


def _reader(field: FieldDescriptorPacket) -> Reader:
    convert = CONVERTERS.get(field.type_code)
    if field.type_code in TEXT_TYPES or field.type_code == FIELD_TYPE.JSON:
        binary = field.type_code in TEXT_TYPES and field.charsetnr == BINARY
        return _composed(as_bytes if binary else utf8, convert)
    return str if convert is None or convert is through else convert


@cache
def _composed(read: Reader, convert: Callable[[Any], Any] | None) -> Reader:
    if convert is None or convert is through:
        return read
    return lambda octets: convert(read(octets))
