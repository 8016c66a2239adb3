"""A session on MySQL and MariaDB that waits for the server as rarely as it can."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from pymysql import MySQLError
from sqlalchemy import Connection, Engine
from sqlalchemy.pool import PoolProxiedConnection

from backend.core.database_errors import DEADLOCK
from backend.core.error_translation import refusal_of_mysql
from backend.core.mysql_connection import FrugalConnection
from backend.core.mysql_results import FrugalResult
from backend.core.prepared import Plan, Prepared
from backend.core.session import Found, Loss, Query, Session

T = TypeVar("T")

COMMIT = b"COMMIT"
MOST_BYTES_WAITING = 1024 * 1024
MOST_ROWS_A_STATEMENT = 500


@dataclass(frozen=True, slots=True)
class Waiting:
    """A statement to be sent, and who is told when it fails: nobody means that everything fails."""

    sql: bytes
    loss: Loss | None


class MySQLSession(Session):
    """Keeps what is to be written until an answer is needed, and sends it all at once: at last with the COMMIT.

    The server stops at the first statement that fails, so nothing behind it happens.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._dialect = engine.dialect
        self._pooled: PoolProxiedConnection | None = None
        self._talking: FrugalConnection | None = None
        self._waiting: list[Waiting] = []
        self._lost: Exception | None = None

    def connection(self) -> Connection:
        self.flush()
        if self._connection is None:
            self._connection = Connection(self.bind, self._held())
        return self._connection

    def execute(self, statement: Any, params: Any = None) -> Any:
        if not isinstance(statement, Prepared):
            return super().execute(statement, params)
        plan = statement.plan(self._dialect)
        (answer,) = self._send(plan.text(params or {}, self._driver().escape))
        return plan.result(answer.description, answer.rows)

    def ask_ahead(self, statement: Prepared, params: Mapping[str, Any]) -> Callable[[], Any]:
        self.flush()
        plan, driver = statement.plan(self._dialect), self._driver()
        query = plan.text(params, driver.escape)
        answer = self._translating(lambda: driver.ask_ahead(query))

        def rows() -> Any:
            found = self._translating(answer)
            return plan.result(found.description, found.rows).all()

        return rows

    def execute_together(self, *queries: Query) -> list[Any]:
        return [plan.result(answer.description, answer.rows) for plan, answer in self._answers(queries)]

    def dicts_of_each(self, *queries: Query) -> list[Found | Exception]:
        try:
            return [plan.dicts(answer.description, answer.rows) for plan, answer in self._answers(queries)]
        except Exception:
            # Which of them it was, and what the others have to say, is found out one by one.
            self.rollback()
            return super().dicts_of_each(*queries)

    def dicts(self, statement: Any, params: Any = None) -> Found:
        if not isinstance(statement, Prepared):
            return super().dicts(statement, params)
        plan = statement.plan(self._dialect)
        (answer,) = self._send(plan.text(params or {}, self._driver().escape))
        return plan.dicts(answer.description, answer.rows)

    def write(self, statement: Prepared, params: Mapping[str, Any], loss: Loss | None = None) -> None:
        sql = statement.plan(self._dialect).text(params, self._driver().escape)
        self._waiting.append(Waiting(sql, loss))

    def change(self, statement: Prepared, params: Mapping[str, Any]) -> int:
        (answer,) = self._send(statement.plan(self._dialect).text(params, self._driver().escape))
        matched: int = answer.affected_rows
        return matched

    def write_many(self, statement: Prepared, rows: Sequence[Mapping[str, Any]]) -> None:
        plan, escape = statement.plan(self._dialect), self._driver().escape
        for first in range(0, len(rows), MOST_ROWS_A_STATEMENT):
            sql = plan.text_of_many(rows[first : first + MOST_ROWS_A_STATEMENT], escape)
            self._waiting.append(Waiting(sql, None))
            if sum(len(waiting.sql) for waiting in self._waiting) > MOST_BYTES_WAITING:
                self.flush()

    def _answers(self, queries: Sequence[Query]) -> list[tuple[Plan, FrugalResult]]:
        """What several statements answer, each with how to read it."""
        plans = [statement.plan(self._dialect) for statement, _ in queries]
        return list(zip(plans, self._send(*self._texts(queries)), strict=True))

    def _texts(self, queries: Sequence[Query]) -> list[bytes]:
        escape = self._driver().escape
        return [statement.plan(self._dialect).text(params, escape) for statement, params in queries]

    def flush(self) -> None:
        if self._waiting:
            self._send()

    def commit(self) -> None:
        if self._pooled is not None and self._driver().in_transaction:
            self._send(COMMIT)
        elif len(self._waiting) == 1:
            # A statement alone is a transaction by itself.
            self._send(begins=False)
        elif self._waiting:
            self._send(COMMIT)
        self.close()

    def close(self) -> None:
        if self._talking is not None:
            self._talking.read_ahead()
        self._waiting, self._lost, self._talking = [], None, None
        super().close()
        pooled, self._pooled = self._pooled, None
        if pooled is not None:
            pooled.close()

    def _held(self) -> PoolProxiedConnection:
        if self._lost is not None:
            raise self._lost
        if self._pooled is None:
            self._pooled = self._translating(self.bind.raw_connection)
        return self._pooled

    def _driver(self) -> FrugalConnection:
        if self._talking is None:
            self._talking = cast(FrugalConnection, self._held().driver_connection)
        return self._talking

    def _send(self, *last: bytes, begins: bool = True) -> Sequence[FrugalResult]:
        """Send what waits, and `last` behind it; what those answered."""
        waiting, self._waiting = self._waiting, []
        while statements := [*[each.sql for each in waiting], *last]:
            answers, complaint = self._driver().send(statements, begins=begins)
            if complaint is None:
                return answers[len(waiting) :]
            self._lose(waiting, len(answers), complaint)
            waiting = waiting[len(answers) + 1 :]
        return ()

    def _lose(self, waiting: Sequence[Waiting], failed: int, complaint: MySQLError) -> None:
        """Tell who survives it that a statement failed; else raise."""
        refusal = self._refusal(complaint)
        loss = waiting[failed].loss if failed < len(waiting) else None
        if loss is None or self._lost is not None or getattr(refusal, "errno", None) == DEADLOCK:
            raise refusal from complaint
        loss(str(refusal))

    def _translating(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except MySQLError as complaint:
            raise self._refusal(complaint) from complaint

    def _refusal(self, complaint: MySQLError) -> Exception:
        """What a complaint of the driver is raised as; a connection that is lost is not used again."""
        refusal = refusal_of_mysql(complaint) or RuntimeError(str(complaint))
        if self._pooled is not None and self._dialect.is_disconnect(complaint, None, None):
            self._pooled.invalidate(complaint)
            self._lost, self._talking = refusal, None
        return refusal
