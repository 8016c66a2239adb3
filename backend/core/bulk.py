"""Overwriting many rows at once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.orm import DeclarativeBase

from backend.core.session import Session


def insert_or_update_rows(
    session: Session,
    model: type[DeclarativeBase],
    key: Iterable[str],
    changed: Iterable[str],
    rows: Sequence[Mapping[str, Any]],
) -> None:
    """Insert rows that name the same columns, or overwrite the columns `changed` of those with this unique `key`."""
    if not rows:
        return
    table = cast(Table, model.__table__)
    dialect = session.get_bind().dialect.name
    if dialect == "mysql":
        statement = mysql.insert(table)
        new = {name: statement.inserted[name] for name in changed}
        session.connection().execute(statement.on_duplicate_key_update(new), rows)
    else:
        upsert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
        new = {name: upsert.excluded[name] for name in changed}
        session.connection().execute(upsert.on_conflict_do_update(index_elements=list(key), set_=new), rows)
