"""A connection to MySQL and MariaDB that talks to the server no more than it must."""

import select
import socket
import struct
import time
from typing import Any

from pymysql.connections import Connection
from pymysql.constants import COMMAND, SERVER_STATUS

from backend.core.mysql_results import FrugalResult

LONGEST_TRUST_SECONDS = 5.0
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "SAVEPOINT")
LOCKING_CLAUSES = (" FOR UPDATE", " FOR SHARE", " LOCK IN SHARE MODE")
LONGEST_LOCKING_CLAUSE = 200


class FrugalConnection(Connection):
    """Begins a transaction at the first statement that needs one, and ends it only where there is one.

    To be opened with `autocommit=True` and READ COMMITTED, where statements that only read see the same inside a
    transaction and outside: requests that only read then cost no round trip but their queries'.
    """

    _unchecked: Any = None
    _read_timeout: float | None
    _write_timeout: float | None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._answered_at = 0.0
        super().__init__(*arguments, **options)

    def connect(self, sock: Any = None) -> None:
        """Connect, and let the kernel keep the time from then on: a socket that Python times is polled at each use."""
        super().connect(sock)
        for option, seconds in ((socket.SO_RCVTIMEO, self._read_timeout), (socket.SO_SNDTIMEO, self._write_timeout)):
            if seconds is not None:
                self._sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", int(seconds), 0))
        self._sock.settimeout(None)
        self._current_timeout = self._read_timeout = self._write_timeout = None
        self._news = select.poll()
        self._news.register(self._sock, select.POLLIN)

    def _create_ssl_ctx(self, sslp: Any) -> Any:
        """Where no certificate is named none is checked, and one context does: making it takes more than connecting."""
        if sslp:
            return super()._create_ssl_ctx(sslp)
        if FrugalConnection._unchecked is None:
            FrugalConnection._unchecked = super()._create_ssl_ctx(sslp)
        return FrugalConnection._unchecked

    def query(self, sql: str | bytes, unbuffered: bool = False) -> Any:
        """Send a statement; BEGIN goes before it, without a wait for its answer, where it is the first that writes."""
        begins = not self._in_transaction() and _needs_transaction(sql)
        if begins:
            self._execute_command(COMMAND.COM_QUERY, "BEGIN")
        self._execute_command(COMMAND.COM_QUERY, sql)
        if begins:
            self._read_answer_to_begin()
        self._affected_rows = self._read_query_result(unbuffered=unbuffered)
        self._answered_at = time.monotonic()
        return self._affected_rows

    def commit(self) -> None:
        """Commit, if anything was begun."""
        if self._in_transaction():
            super().commit()

    def rollback(self) -> None:
        """Roll back, if anything was begun."""
        if self._in_transaction():
            super().rollback()

    def ping(self, reconnect: bool = False) -> None:
        """Raise where the server is gone: at once when it said so, else by asking it after some seconds of silence.

        An idle connection is silent: what can be read is the server's farewell.
        """
        silent = time.monotonic() - self._answered_at
        if silent > LONGEST_TRUST_SECONDS or self._sock is None or self._news.poll(0):
            super().ping(reconnect)
            self._answered_at = time.monotonic()

    def _read_answer_to_begin(self) -> None:
        try:
            self._read_ok_packet()
        except Exception:
            # Another answer is on its way: nothing else can be asked here.
            self._force_close()
            raise
        self._next_seq_id = 1

    def _read_query_result(self, unbuffered: bool = False) -> Any:
        if unbuffered:
            return super()._read_query_result(unbuffered)
        self._result = None
        result = FrugalResult(self)
        result.read()
        self._result = result
        if result.server_status is not None:
            self.server_status = result.server_status
        return result.affected_rows

    def _in_transaction(self) -> bool:
        return bool(self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)


def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> FrugalConnection:
    """Engine listener (`do_connect`): open this kind of connection."""
    return FrugalConnection(*arguments, **options)


def _needs_transaction(sql: str | bytes) -> bool:
    text = sql if isinstance(sql, str) else sql.decode(errors="replace")
    if text.startswith(WRITES):
        return True
    return any(clause in text[-LONGEST_LOCKING_CLAUSE:] for clause in LOCKING_CLAUSES)
