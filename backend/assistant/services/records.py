"""Rows by their numbers, and pages of lists, in the form in which the tools answer them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, delete, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase

from backend.assistant.services.refusals import absent
from backend.core.session import Session

Model = type[DeclarativeBase]
Row = dict[str, Any]


def table_of(model: Model) -> Table:
    """The table of a model: sessions answer rows."""
    return cast(Table, model.__table__)


def shown(row: Mapping[str, Any], *hidden: str) -> Row:
    """A row as it is answered: exact numbers as texts, days and times (UTC) in ISO 8601."""
    return {name: _plain(value) for name, value in row.items() if name not in hidden}


def find(session: Session, model: Model, identifier: int, what: str, *, lock: bool = False) -> Row:
    """The row with this number; with `lock` nobody else changes it before the transaction ends. Refuses with 404."""
    table = table_of(model)
    wanted = select(table).where(table.c.id == identifier)
    row = session.execute(wanted.with_for_update() if lock else wanted).mappings().one_or_none()
    if row is None:
        raise absent(what, identifier)
    return dict(row)


def add(session: Session, model: Model, **values: Any) -> int:
    """Insert a row; its number."""
    added = session.execute(insert(table_of(model)).values(values))
    return int(added.inserted_primary_key[0])


def change(session: Session, model: Model, identifier: int, **values: Any) -> None:
    """Set `values`, if any, in the row with this number."""
    if values:
        table = table_of(model)
        session.execute(update(table).where(table.c.id == identifier).values(values))


def remove(session: Session, model: Model, identifier: int) -> None:
    """Delete the row with this number."""
    table = table_of(model)
    session.execute(delete(table).where(table.c.id == identifier))


def newest(
    session: Session, model: Model, name: str, where: list[ColumnElement[bool]], limit: int, offset: int, **order: str
) -> Row:
    """One page of a table's rows, the latest by the column `order["by"]` first, under `name`; with their total."""
    table = table_of(model)
    rows = select(table).where(*where).order_by(table.c[order["by"]].desc(), table.c.id.desc())
    return page(session, name, rows, select(func.count()).select_from(table).where(*where), limit, offset)


def page(session: Session, name: str, rows: Select[Any], count: Select[Any], limit: int, offset: int) -> Row:
    """The rows of one page under `name`, with the total of all pages."""
    found = session.execute(rows.limit(limit).offset(offset)).mappings().all()
    total = session.scalars(count).one()
    return {name: [shown(row) for row in found], "total": int(total), "limit": limit, "offset": offset}


def within(column: Any, since: date | None, until: date | None) -> list[ColumnElement[bool]]:
    """That a day lies between two others, both included; None leaves a side open."""
    bounds = []
    if since is not None:
        bounds.append(column >= since)
    if until is not None:
        bounds.append(column <= until)
    return bounds


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return value
