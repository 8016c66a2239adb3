"""Tables as a database describes them, in words common to all products."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Connection
from sqlalchemy.types import TypeEngine


class ColumnKind(enum.StrEnum):
    """What a column holds. Where the two sides disagree, the kind that comes first counts."""

    JSON = "json"
    TIME = "time"
    DATE = "date"
    BYTES = "bytes"
    NUMBER = "number"
    TEXT = "text"


#: Kinds of columns that may hold identifiers as text.
TEXTS = (ColumnKind.TEXT, ColumnKind.JSON)
_KINDS: tuple[tuple[tuple[type[TypeEngine[Any]], ...], ColumnKind], ...] = (
    ((sa.JSON, sa.ARRAY), ColumnKind.JSON),
    ((sa.DateTime,), ColumnKind.TIME),
    ((sa.Date,), ColumnKind.DATE),
    (
        (sa.LargeBinary, sa.BINARY, sa.VARBINARY, mysql.TINYBLOB, mysql.MEDIUMBLOB, mysql.LONGBLOB),
        ColumnKind.BYTES,
    ),
    ((sa.Integer, sa.Numeric, sa.Float, sa.Boolean, mysql.BIT, mysql.YEAR), ColumnKind.NUMBER),
)

#: Tables by the statements that made them, which are all that SQLite keeps of a schema. A run meets the same schemas
#: in new databases again and again; taking their statements apart is most of what reading a small database takes.
_OF_SCHEMAS: dict[tuple[tuple[Any, ...], ...], Mapping[str, Table]] = {}
_MOST_SCHEMAS = 8


@dataclass(frozen=True, slots=True)
class Column:
    """``name`` is as the database spells it. ``scale``: digits after the point, None where any number may be.

    ``padded``: blanks at the end mean nothing. ``needed``: a row can't be written without a value. ``counted``: the
    database numbers the rows here.
    """

    name: str
    kind: ColumnKind
    scale: int | None = None
    padded: bool = False
    needed: bool = False
    counted: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One side's table; all names but ``name`` are in small letters.

    ``key`` is the primary key, ``unique`` are other unique keys, ``references`` tells which table a column refers to.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    unique: tuple[tuple[str, ...], ...]
    references: Mapping[str, str]

    @property
    def numbered(self) -> str | None:
        """The column in which the database numbers the rows."""
        return next((name for name, column in self.columns.items() if column.counted), None)


def read_tables(connection: Connection) -> Mapping[str, Table]:
    """All tables of the default schema, by name in small letters."""
    if connection.dialect.name != "sqlite":
        return _reflected(connection)
    written = tuple(map(tuple, connection.exec_driver_sql("SELECT name, tbl_name, sql FROM sqlite_master")))
    known = _OF_SCHEMAS.get(written)
    if known is None:
        if len(_OF_SCHEMAS) >= _MOST_SCHEMAS:
            _OF_SCHEMAS.clear()
        known = _OF_SCHEMAS[written] = _reflected(connection)
    return known


def _reflected(connection: Connection) -> Mapping[str, Table]:
    inspector = sa.inspect(connection)
    return {name.lower(): _table(inspector, name, connection.dialect.name) for name in inspector.get_table_names()}


def _table(inspector: sa.Inspector, name: str, product: str) -> Table:
    key = tuple(column.lower() for column in inspector.get_pk_constraint(name)["constrained_columns"])
    unique = [list(constraint["column_names"]) for constraint in inspector.get_unique_constraints(name)]
    unique += [list(map(str, index["column_names"])) for index in inspector.get_indexes(name) if index["unique"]]
    return Table(
        name=name,
        columns={entry["name"].lower(): _column(entry, key, product) for entry in inspector.get_columns(name)},
        key=key,
        unique=tuple(dict.fromkeys(tuple(column.lower() for column in names) for names in unique)),
        references={
            foreign["constrained_columns"][0].lower(): foreign["referred_table"].lower()
            for foreign in inspector.get_foreign_keys(name)
            if len(foreign["constrained_columns"]) == 1
        },
    )


def _column(entry: Any, key: tuple[str, ...], product: str) -> Column:
    declared: TypeEngine[Any] = entry["type"]
    name, default = entry["name"], entry.get("default")
    numbers_itself = {
        "sqlite": type(declared) is sa.INTEGER,  # the rowid by another name
        "mysql": entry.get("autoincrement") is True,
        "postgresql": entry.get("identity") is not None or str(default or "").startswith("nextval("),
    }
    counted = key == (name.lower(),) and numbers_itself.get(product, False)
    exact = isinstance(declared, sa.Numeric) and not isinstance(declared, sa.Float)
    return Column(
        name=name,
        kind=next((kind for types, kind in _KINDS if isinstance(declared, types)), ColumnKind.TEXT),
        scale=getattr(declared, "scale", None) if exact else None,
        padded=isinstance(declared, sa.CHAR),
        needed=not entry["nullable"] and default is None and not counted,
        counted=counted,
    )
