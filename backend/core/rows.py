"""Writing rows. The statement for each shape of a row is built once: building costs more than sending."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, bindparam, case, func, insert, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.sql.functions import now

from backend.core.database_errors import DEADLOCK, StatementRefusedError, UnsupportedValueError
from backend.core.prepared import Prepared
from backend.core.session import Loss, Session
from backend.core.strict_types import Operand

MOST_SHAPES = 1024
NEW, MATCH = "new_", "match_"

Model = type[DeclarativeBase]
Names = tuple[str, ...]
Terms = tuple[tuple[str, ColumnElement[Any]], ...]
Lasting = tuple[tuple[str, str], ...]
NOW = func.now()


def insert_row(session: Session, model: Model, **values: Any) -> None:
    """Insert one row; `values` are named after the columns. SQL among them is func.now() or constant."""
    sent, terms = _split(values)
    session.write(_insertion(_table(model), tuple(sent), terms), sent)


def insert_rows(session: Session, model: Model, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns."""
    if rows:
        session.write_many(_insertion(_table(model), tuple(rows[0]), ()), rows)


def insert_row_if_possible(session: Session, model: Model, loss: Loss, **values: Any) -> None:
    """Insert one row that may as well be lost; `loss` is told why it was.

    Raises StatementRefusedError for a deadlock, which has undone the whole transaction.
    """
    sent, terms = _split(values)
    try:
        session.write(_insertion(_table(model), tuple(sent), terms), sent, loss)
    except (StatementRefusedError, UnsupportedValueError, UnicodeEncodeError) as error:
        if getattr(error, "errno", None) == DEADLOCK:
            raise
        loss(str(error))


def insert_row_unless_present(session: Session, model: Model, **values: Any) -> None:
    """Insert one row, or leave the row alone that has one of its keys already."""
    sent, terms = _split(values)
    session.write(_insertion_unless_present(_table(model), tuple(sent), terms, _dialect(session)), sent)


def insert_rows_unless_present(session: Session, model: Model, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that all name the same columns, but leave those alone that have one of their keys already."""
    if rows:
        session.write_many(_insertion_unless_present(_table(model), tuple(rows[0]), (), _dialect(session)), rows)


def insert_or_update_row(session: Session, model: Model, changed: Names, **values: Any) -> None:
    """Insert one row, or overwrite the columns `changed` of the row that has its primary key already."""
    sent, terms = _split(values)
    session.write(_upsert(_table(model), changed, tuple(sent), terms, _dialect(session)), sent)


def update_rows(session: Session, model: Model, *where: ColumnElement[bool], **values: Any) -> int:
    """Set `values`, SQL or not, in the rows that match; returns how many matched."""
    return session.connection().execute(update(_table(model)).where(*where).values(values)).rowcount


def update_matching(
    session: Session, model: Model, match: Mapping[str, Any], lasting: Lasting = (), /, **values: Any
) -> None:
    """Set `values` in the rows whose columns equal those of `match`; SQL among them is func.now() or a constant.

    `lasting` are pairs of a column and a value that it never loses once it has it.
    """
    session.write(*_updating(model, match, lasting, values))


def update_matching_now(
    session: Session, model: Model, match: Mapping[str, Any], lasting: Lasting = (), /, **values: Any
) -> int:
    """Like `update_matching`, without waiting for the next answer or the commit; how many rows matched."""
    return session.change(*_updating(model, match, lasting, values))


def _updating(
    model: Model, match: Mapping[str, Any], lasting: Lasting, values: Mapping[str, Any]
) -> tuple[Prepared, dict[str, Any]]:
    """The statement of an update, and its parameters."""
    sent, terms = _split(values)
    parameters = {NEW + name: value for name, value in sent.items()}
    for name, value in match.items():
        parameters[MATCH + name] = value
    return _update(_table(model), tuple(match), tuple(sent), terms, lasting), parameters


def _split(values: Mapping[str, Any]) -> tuple[dict[str, Any], Terms]:
    """The values to send, and the columns whose values the database finds itself, with the SQL that says how."""
    sent = dict(values)
    found = [name for name, value in values.items() if isinstance(value, ColumnElement)]
    terms = [(name, sent.pop(name)) for name in found]
    return sent, tuple([(name, NOW if isinstance(term, now) else term) for name, term in terms])


@lru_cache(MOST_SHAPES)
def _insertion(table: Table, sent: Names, terms: Terms) -> Prepared:
    return Prepared(insert(table).values(_row(sent, terms)).inline())


@lru_cache(MOST_SHAPES)
def _insertion_unless_present(table: Table, sent: Names, terms: Terms, dialect: str) -> Prepared:
    if dialect == "mysql":
        key = table.primary_key.columns[0].name
        insertion = mysql.insert(table).values(_row(sent, terms)).inline()
        return Prepared(insertion.on_duplicate_key_update({key: table.c[key]}))
    insert_for = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return Prepared(insert_for(table).values(_row(sent, terms)).inline().on_conflict_do_nothing())


@lru_cache(MOST_SHAPES)
def _upsert(table: Table, changed: Names, sent: Names, terms: Terms, dialect: str) -> Prepared:
    if dialect == "mysql":
        insertion = mysql.insert(table).values(_row(sent, terms)).inline()
        return Prepared(insertion.on_duplicate_key_update({name: insertion.inserted[name] for name in changed}))
    upsert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table).values(_row(sent, terms)).inline()
    new = {name: upsert.excluded[name] for name in changed}
    return Prepared(upsert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=new))


@lru_cache(MOST_SHAPES)
def _update(table: Table, match: Names, sent: Names, terms: Terms, lasting: Lasting) -> Prepared:
    where = (table.c[name] == bindparam(MATCH + name, type_=Operand()) for name in match)
    row = _row(sent, terms, NEW)
    for name, value in lasting:
        if name in sent:
            column = table.c[name]
            row[name] = case((column == value, column), else_=bindparam(NEW + name, type_=column.type))
    return Prepared(update(table).where(*where).values(row))


def _row(sent: Names, terms: Terms, prefix: str = "") -> dict[str, Any]:
    """The values of a statement's columns: what is sent under their names, or what the database finds."""
    return {name: bindparam(prefix + name) for name in sent} | dict(terms)


def _table(model: Model) -> Table:
    return cast(Table, model.__table__)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name
