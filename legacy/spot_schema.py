"""The tables of the Spot Optimizer as data, read from ``spot_schema.sql``, and their SQLite form.

The SQL file is the schema; MySQL and MariaDB run it as it stands. For SQLite each table is rebuilt from the
parsed columns: same names, order, keys and foreign keys, built-in collations only, and a named CHECK per column
that makes MySQL's strict mode hold for every program that writes to the file.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_SQL = Path(__file__).with_name("spot_schema.sql")
_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS `(\w+)` \(\n(.*?)\n\) ENGINE[^;]*;", re.S)
_TRIGGER = re.compile(r"CREATE TRIGGER `(\w+)` .*?;", re.S)
_COLUMN = re.compile(r"`(\w+)` (\w+)(?:\(([^)]*)\))? (NOT NULL|NULL)(?: DEFAULT (\S+))?( ON UPDATE CURRENT_TIMESTAMP)?")
_KEY = re.compile(r"(PRIMARY|UNIQUE|)\s?KEY(?: `(\w+)`)? \((.*)\)")
_FOREIGN_KEY = re.compile(
    r"CONSTRAINT `(\w+)` FOREIGN KEY \(`(\w+)`\) REFERENCES `(\w+)` \(`(\w+)`\) ON DELETE ([A-Z ]+)"
)
_UUID = (
    "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || "
    "substr('89ab', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))"
)

_INTEGER_BITS = {"TINYINT": 8, "BOOLEAN": 8, "INT": 32, "BIGINT": 64}

DATABASE_NAME = "spot_optimizer"
"""The name MySQL's error texts give the database; SQLite has none of its own."""


@dataclass(frozen=True)
class Column:
    """One column. ``kind`` is the type without its arguments, ``default`` the text after DEFAULT."""

    name: str
    kind: str
    arguments: tuple[str, ...]
    nullable: bool
    default: str | None
    auto_increment: bool = False
    touched_on_update: bool = False

    @property
    def type(self) -> str:
        return f"{self.kind}({','.join(self.arguments)})" if self.arguments else self.kind

    @property
    def length(self) -> int:
        """Characters that a CHAR or VARCHAR holds."""
        return int(self.arguments[0])

    @property
    def digits(self) -> tuple[int, int]:
        """Precision and scale of a DECIMAL."""
        precision, scale = self.arguments
        return int(precision), int(scale)

    @property
    def bits(self) -> int:
        """Size of an integer."""
        return _INTEGER_BITS[self.kind]

    @property
    def choices(self) -> tuple[str, ...]:
        """Values of an ENUM."""
        return tuple(argument.strip("'") for argument in self.arguments)

    @property
    def needs_value(self) -> bool:
        return not self.nullable and self.default is None and not self.auto_increment


@dataclass(frozen=True)
class Key:
    """A primary, unique or plain index; ``order`` holds the columns as written, with DESC where it applies."""

    name: str
    order: tuple[str, ...]
    unique: bool

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(part.split()[0] for part in self.order)


@dataclass(frozen=True)
class ForeignKey:
    name: str
    column: str
    parent: str
    parent_column: str
    on_delete: str

    def __str__(self) -> str:
        return (
            f"CONSTRAINT `{self.name}` FOREIGN KEY (`{self.column}`) REFERENCES `{self.parent}` "
            f"(`{self.parent_column}`) ON DELETE {self.on_delete}"
        )


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[Column, ...]
    keys: tuple[Key, ...]
    foreign_keys: tuple[ForeignKey, ...]
    mysql: str

    @cached_property
    def by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def primary_key(self) -> Key:
        return next(key for key in self.keys if key.name == "PRIMARY")

    @property
    def auto_increment(self) -> bool:
        return any(column.auto_increment for column in self.columns)

    def key_on(self, columns: tuple[str, ...]) -> Key | None:
        """The unique key over exactly these columns."""
        return next((key for key in self.keys if key.unique and key.columns == columns), None)


def _parse_column(line: str) -> Column:
    match = _COLUMN.match(line)
    if match is None:
        raise ValueError(f"not a column: {line}")
    name, kind, arguments, null, default, touched = match.groups()
    return Column(
        name=name,
        kind=kind,
        arguments=tuple(part.strip() for part in arguments.split(",")) if arguments else (),
        nullable=null == "NULL",
        default=None if default in (None, "NULL") else default,
        auto_increment="AUTO_INCREMENT" in line,
        touched_on_update=touched is not None,
    )


def _parse_table(name: str, body: str, mysql: str) -> Table:
    columns: list[Column] = []
    keys: list[Key] = []
    foreign_keys: list[ForeignKey] = []
    for line in (part.strip().rstrip(",") for part in body.splitlines()):
        if line.startswith("`"):
            columns.append(_parse_column(line))
        elif match := _FOREIGN_KEY.match(line):
            foreign_keys.append(ForeignKey(*match.groups()))
        elif match := _KEY.match(line):
            sort, key_name, parts = match.groups()
            order = tuple(part.strip() for part in parts.replace("`", "").split(","))
            keys.append(Key(key_name or "PRIMARY", order, unique=bool(sort)))
        else:
            raise ValueError(f"not part of a table: {line}")
    return Table(name, tuple(columns), tuple(keys), tuple(foreign_keys), mysql)


def _load() -> tuple[dict[str, Table], dict[str, str]]:
    text = _SQL.read_text(encoding="utf-8")
    tables = {match[1]: _parse_table(match[1], match[2], match[0]) for match in _TABLE.finditer(text)}
    return tables, {match[1]: match[0] for match in _TRIGGER.finditer(text)}


TABLES, MYSQL_TRIGGERS = _load()
"""Every table by name, parents before children, and the triggers in the MySQL dialect."""


def check_name(table: str, column: str) -> str:
    """Name of the CHECK that guards a column on SQLite."""
    return f"ck_{table}_{column}"


def _check(column: Column) -> str | None:
    name = f'"{column.name}"'
    match column.kind:
        case "CHAR" | "VARCHAR":
            return f"length({name}) <= {column.length}"
        case "ENUM":
            return f"{name} IN ({', '.join(column.arguments)})"
        case "INT" | "BIGINT" | "TINYINT" | "BOOLEAN":
            limit = 1 << (column.bits - 1)
            return f"typeof({name}) IN ('integer', 'null') AND {name} BETWEEN {-limit} AND {limit - 1}"
        case "DECIMAL":
            precision, scale = column.digits
            return f"typeof({name}) IN ('integer', 'real', 'null') AND abs({name}) < 1e{precision - scale}"
        case "TIMESTAMP":
            # A fraction is let through (some drivers always write one), a T or a zone is not. The modifier makes
            # SQLite look at the calendar: without one it takes 30 February.
            stamp = f"substr({name}, 1, 19)"
            rest = f"substr({name}, 20)"
            return f"{name} IS NULL OR (datetime({stamp}, '+0 days') IS {stamp} AND {rest} NOT GLOB '*[^.0-9]*')"
        case "DATE":
            return f"date({name}, '+0 days') IS {name}"
        case "JSON":
            return f"{name} IS NULL OR json_valid({name})"
        case _:
            return None


def _sqlite_type(column: Column) -> str:
    if column.kind == "JSON":
        return "TEXT"
    if column.kind == "ENUM":
        return f"VARCHAR({max(map(len, column.choices))}) COLLATE NOCASE"
    return f"{column.type} COLLATE NOCASE" if column.kind in ("CHAR", "VARCHAR", "TEXT") else column.type


def _sqlite_column(table: Table, column: Column) -> str:
    if column.auto_increment:
        return f'"{column.name}" INTEGER PRIMARY KEY AUTOINCREMENT'
    parts = [f'"{column.name}" {_sqlite_type(column)}', "NULL" if column.nullable else "NOT NULL"]
    if column.default is not None:
        parts.append(f"DEFAULT {_UUID if column.default == '(UUID())' else column.default}")
    if check := _check(column):
        parts.append(f"CONSTRAINT {check_name(table.name, column.name)} CHECK ({check})")
    return " ".join(parts)


def sqlite_table(table: Table) -> str:
    """CREATE TABLE of one table with its unique keys and foreign keys."""
    lines = [_sqlite_column(table, column) for column in table.columns]
    if not table.auto_increment:
        lines.append(f"PRIMARY KEY ({', '.join(table.primary_key.columns)})")
    lines += [
        f"CONSTRAINT {key.name} UNIQUE ({', '.join(key.columns)})"
        for key in table.keys
        if key.unique and key.name != "PRIMARY"
    ]
    lines += [str(foreign_key) for foreign_key in table.foreign_keys]
    return f"CREATE TABLE IF NOT EXISTS {table.name} (\n  " + ",\n  ".join(lines) + "\n)"


def sqlite_index_name(table: Table, key: Key) -> str:
    """The key's own name, or one with the table's name in front where several tables use it: SQLite has one
    namespace for the indexes of all tables."""
    shared = sum(other.name == key.name for owner in TABLES.values() for other in owner.keys) > 1
    return f"{table.name}_{key.name}" if shared else key.name


def sqlite_indexes(table: Table) -> list[str]:
    """CREATE INDEX of the keys that are not unique."""
    return [
        f"CREATE INDEX IF NOT EXISTS {sqlite_index_name(table, key)} ON {table.name} ({', '.join(key.order)})"
        for key in table.keys
        if not key.unique
    ]


def sqlite_triggers(table: Table, columns: Collection[str]) -> list[str]:
    """Triggers for ``ON UPDATE CURRENT_TIMESTAMP`` and for the names of pools, as far as the table has the columns."""
    names_itself = table.name == "spot_pools" and "pool_name" in columns
    # Giving a pool its name is part of the statement that wrote the pool, not an update of its own.
    naming = " AND (OLD.pool_name IS NOT NULL OR NEW.pool_name IS NULL)" if names_itself else ""
    triggers = [
        f"CREATE TRIGGER IF NOT EXISTS {table.name}_{column.name}_now AFTER UPDATE ON {table.name} FOR EACH ROW "
        f"WHEN NEW.{column.name} IS OLD.{column.name}{naming} "
        f"BEGIN UPDATE {table.name} SET {column.name} = CURRENT_TIMESTAMP WHERE rowid = NEW.rowid; END"
        for column in table.columns
        if column.touched_on_update and column.name in columns
    ]
    if names_itself:
        triggers += [
            f"CREATE TRIGGER IF NOT EXISTS after_spot_pools_{event.lower()} AFTER {event} ON spot_pools FOR EACH ROW "
            "WHEN NEW.pool_name IS NULL BEGIN UPDATE spot_pools "
            "SET pool_name = NEW.instance_type || ' (' || NEW.az || ')' WHERE rowid = NEW.rowid; END"
            for event in ("INSERT", "UPDATE")
        ]
    return triggers
