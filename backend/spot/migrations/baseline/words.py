"""The words the baseline tables are written in.

The tables are frozen: they say what the first revision created and must not follow later changes of the models.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import mysql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import UserDefinedType

metadata = sa.MetaData()
column = sa.Column

MYSQL_OPTIONS: dict[str, Any] = {
    "mysql_engine": "InnoDB",
    "mysql_charset": "utf8mb4",
    "mysql_collate": "utf8mb4_unicode_ci",
    "mariadb_engine": "InnoDB",
    "mariadb_charset": "utf8mb4",
    "mariadb_collate": "utf8mb4_unicode_ci",
}
SQLITE_UUID = (
    "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || "
    "substr('89AB', 1 + (abs(random()) % 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))"
)
POSTGRESQL_NOW = "date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC')"


def table(name: str, *items: Any) -> sa.Table:
    """A table with its columns and keys."""
    return sa.Table(name, metadata, *items, **MYSQL_OPTIONS)


def uuid() -> sa.types.TypeEngine[Any]:
    """A UUID as text."""
    return _caseless(sa.CHAR(36), sa.CHAR(36, collation="NOCASE"))


def varchar(length: int) -> sa.types.TypeEngine[Any]:
    """A text compared without regard to case."""
    return _caseless(sa.String(length), sa.String(length, collation="NOCASE"))


def text() -> sa.types.TypeEngine[Any]:
    """A long text."""
    return sa.Text()


def json() -> sa.types.TypeEngine[Any]:
    """JSON; plain text on SQLite, where no type must make numbers of it, and on PostgreSQL, as it was written."""
    return sa.JSON().with_variant(sa.Text(), "sqlite", "postgresql")


def flag() -> sa.types.TypeEngine[Any]:
    """0 or 1."""
    return sa.Boolean().with_variant(sa.SmallInteger(), "postgresql")


def tinyint() -> sa.types.TypeEngine[Any]:
    """A whole number of 8 bits."""
    return sa.SmallInteger().with_variant(mysql.TINYINT(), "mysql", "mariadb")


def integer() -> sa.types.TypeEngine[Any]:
    """A whole number of 32 bits."""
    return sa.Integer()


def bigint() -> sa.types.TypeEngine[Any]:
    """A whole number of 64 bits; SQLite numbers rows only in a column called INTEGER."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def decimal(precision: int, scale: int) -> sa.types.TypeEngine[Any]:
    """A decimal number."""
    return sa.Numeric(precision, scale)


def timestamp() -> sa.types.TypeEngine[Any]:
    """A UTC time to the second."""
    return sa.TIMESTAMP()


def date() -> sa.types.TypeEngine[Any]:
    """A day."""
    return sa.Date()


def enum(name: str, *values: str) -> sa.types.TypeEngine[Any]:
    """One of `values`; where MySQL has its type, the others have a check."""
    return sa.Enum(*values, name=name, create_constraint=True)


def literal(value: str) -> sa.TextClause:
    """A constant default."""
    return sa.text(value if value.replace(".", "", 1).isdecimal() else f"'{value}'")


def unique(name: str, *columns: str) -> sa.UniqueConstraint:
    """A unique key."""
    return sa.UniqueConstraint(*columns, name=name)


def index(name: str, *columns: str) -> sa.Index:
    """An index; a column may be followed by DESC."""
    return sa.Index(name, *(sa.text(name) if name.endswith(" DESC") else name for name in columns))


def reference(name: str, column: str, target: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    """A foreign key."""
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=ondelete)


class CaselessText(UserDefinedType[str]):
    """A text on PostgreSQL: `bpchar` compares without the spaces at the end, its collation without case and accents."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The type of the column."""
        return "BPCHAR COLLATE unicode_ci"


class NewUUID(FunctionElement[str]):
    """A new UUID for every row."""

    inherit_cache = True


class Now(FunctionElement[Any]):
    """The time of the insert."""

    inherit_cache = True


class Touched(FunctionElement[Any]):
    """The time of the insert or of the last update (elsewhere than on MySQL a trigger does the update)."""

    inherit_cache = True


@compiles(NewUUID)
def _new_uuid(element: NewUUID, compiler: SQLCompiler, **_: Any) -> str:
    return {"sqlite": SQLITE_UUID, "postgresql": "gen_random_uuid()::text"}.get(compiler.dialect.name, "(UUID())")


@compiles(Now)
def _now(element: Now, compiler: SQLCompiler, **_: Any) -> str:
    return POSTGRESQL_NOW if compiler.dialect.name == "postgresql" else "CURRENT_TIMESTAMP"


@compiles(Touched)
def _touched(element: Touched, compiler: SQLCompiler, **_: Any) -> str:
    on_update = " ON UPDATE CURRENT_TIMESTAMP" if compiler.dialect.name in ("mysql", "mariadb") else ""
    return _now(Now(), compiler) + on_update


def _caseless(on_mysql: sa.String, on_sqlite: sa.String) -> sa.types.TypeEngine[Any]:
    return on_mysql.with_variant(on_sqlite, "sqlite").with_variant(CaselessText(), "postgresql")
