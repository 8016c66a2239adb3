"""A connection to MySQL and MariaDB that talks to the server no more than it must."""

import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from pymysql import MySQLError
from pymysql.connections import Connection
from pymysql.constants import CLIENT, COMMAND, SERVER_STATUS
from pymysql.converters import escape_string

from backend.core.mysql_results import FrugalResult, lost

LONGEST_TRUST_SECONDS = 5.0
BEGIN = b"BEGIN"
WRITES = (b"INSERT", b"UPDATE", b"DELETE", b"REPLACE", b"SAVEPOINT")
LOCKING_CLAUSES = (b" FOR UPDATE", b" FOR SHARE", b" LOCK IN SHARE MODE")
LONGEST_LOCKING_CLAUSE = 200
LONGEST_INDENT = 40


class Outcome:
    """What came of a query: an answer, or a complaint; neither while it has not been read."""

    __slots__ = ("answer", "complaint")

    def __init__(self) -> None:
        self.answer: FrugalResult | None = None
        self.complaint: MySQLError | None = None


class FrugalConnection(Connection):
    """Begins a transaction at the first statement that needs one, and ends it only where there is one.

    For sessions with autocommit on and READ COMMITTED, where statements that only read see the same inside a
    transaction and outside: requests that only read then cost no round trip but their queries'.
    """

    _unchecked: Any = None
    _result: Any
    _ahead: Outcome | None = None
    _read_timeout: float | None
    _write_timeout: float | None

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._answered_at = 0.0
        several = options.get("client_flag", 0) | CLIENT.MULTI_STATEMENTS
        super().__init__(*arguments, **{**options, "client_flag": several})

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
        """Send a statement, behind a BEGIN where it is the first that writes."""
        text = sql.encode(self.encoding) if isinstance(sql, str) else bytes(sql)
        self._begin_with([text])
        self._affected_rows = self._read_query_result(unbuffered=unbuffered)
        self._answered_at = time.monotonic()
        return self._affected_rows

    def send(self, statements: Sequence[bytes], *, begins: bool = True) -> tuple[list[FrugalResult], MySQLError | None]:
        """Send statements in one go: what they answered, up to the first that failed, and its complaint, if any.

        Those behind one that failed are not executed. Unless it `begins` a transaction for what is written, each
        statement is one.
        """
        if begins:
            return self._answers(len(statements), lambda: self._begin_with(statements))
        several = b";".join(statements)
        return self._answers(len(statements), lambda: self._execute_command(COMMAND.COM_QUERY, several))

    def _answers(
        self, count: int, ask: Callable[[], None] | None = None
    ) -> tuple[list[FrugalResult], MySQLError | None]:
        """Ask, and read so many answers: all up to the first that is a complaint, and that."""
        answers: list[FrugalResult] = []
        try:
            if ask is not None:
                ask()
            while len(answers) < count:
                self._read_query_result()
                answers.append(self._result)
        except MySQLError as complaint:
            if not self._is_the_servers(complaint):
                self._force_close()
            return answers, complaint
        except BaseException:
            # Other answers may be on their way: nothing else can be asked here.
            self._force_close()
            raise
        finally:
            self._result = None
            self._answered_at = time.monotonic()
        return answers, None

    @staticmethod
    def _is_the_servers(complaint: MySQLError) -> bool:
        """Whether the server said so, and waits for the next statement; else the driver lost track of its answers."""
        return bool(complaint.args) and isinstance(complaint.args[0], int)

    def ask_ahead(self, query: bytes) -> Callable[[], FrugalResult]:
        """Send a query whose answer is read when it is wanted, or before anything else is sent.

        What is returned answers it, or raises MySQLError.
        """
        self._execute_command(COMMAND.COM_QUERY, query)
        outcome = self._ahead = Outcome()

        def answer() -> FrugalResult:
            if outcome is self._ahead:
                self.read_ahead()
            if outcome.answer is None:
                raise outcome.complaint or lost(self)
            return outcome.answer

        return answer

    def read_ahead(self) -> None:
        """Read what was asked ahead, if nobody has."""
        outcome, self._ahead = self._ahead, None
        if outcome is not None:
            answers, outcome.complaint = self._answers(1)
            outcome.answer = answers[0] if answers else None

    def _execute_command(self, command: int, sql: Any) -> None:
        if self._ahead is not None:
            self.read_ahead()
        super()._execute_command(command, sql)

    def _begin_with(self, statements: Sequence[bytes]) -> None:
        begins = not self.in_transaction and any(_needs_transaction(statement) for statement in statements)
        self._execute_command(COMMAND.COM_QUERY, b";".join([BEGIN, *statements] if begins else statements))
        if begins:
            self._read_query_result()

    def escape(self, obj: Any, mapping: Any = None) -> Any:
        """A value as SQL: as the parent writes it, which takes texts, almost all values, through several steps."""
        if type(obj) is str and not self.server_status & SERVER_STATUS.SERVER_STATUS_NO_BACKSLASH_ESCAPES:
            return f"'{escape_string(obj)}'"
        return super().escape(obj, mapping)

    def commit(self) -> None:
        """Commit, if anything was begun."""
        if self.in_transaction:
            super().commit()

    def rollback(self) -> None:
        """Roll back, if anything was begun."""
        if self.in_transaction:
            super().rollback()

    def ping(self, reconnect: bool = False) -> None:
        """Raise where the server is gone: at once when it said so, else by asking it after some seconds of silence.

        An idle connection is silent: what can be read is the server's farewell.
        """
        silent = time.monotonic() - self._answered_at
        if silent > LONGEST_TRUST_SECONDS or self._sock is None or self._news.poll(0):
            super().ping(reconnect)
            self._answered_at = time.monotonic()

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

    def _read_bytes(self, num_bytes: int) -> bytes:
        """What the server sent. When the kernel's time is up the reader has nothing, which the parent doesn't know."""
        try:
            return super()._read_bytes(num_bytes)
        except TypeError:
            raise lost(self) from None

    @property
    def in_transaction(self) -> bool:
        """Whether something was begun that is not yet committed, or rolled back."""
        return bool(self.server_status & SERVER_STATUS.SERVER_STATUS_IN_TRANS)


def connect(_dialect: object, _record: object, arguments: Any, options: Any) -> FrugalConnection:
    """Engine listener (`do_connect`): open this kind of connection."""
    return FrugalConnection(*arguments, **options)


def _needs_transaction(statement: bytes) -> bool:
    if statement[:LONGEST_INDENT].lstrip().startswith(WRITES):
        return True
    return any(clause in statement[-LONGEST_LOCKING_CLAUSE:] for clause in LOCKING_CLAUSES)
