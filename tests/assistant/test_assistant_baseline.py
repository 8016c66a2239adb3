"""What the first revision creates is what the models describe, on every database product."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import Dialect

from backend.assistant.migrations import baseline
from backend.assistant.models import Base

DIALECTS: list[Dialect] = [sqlite.dialect(), mysql.dialect(), postgresql.dialect()]


def described(table: Table, dialect: Dialect) -> dict[str, Any]:
    """A table in plain words, in an order of their own."""
    return {
        "columns": {column.name: _column(column, dialect) for column in table.columns},
        "indexes": {str(index.name): [column.name for column in index.columns] for index in table.indexes},
        "unique": {
            str(key.name): [column.name for column in key.columns]
            for key in table.constraints
            if isinstance(key, UniqueConstraint)
        },
        "foreign": {
            (str(key.name), key.elements[0].parent.name, key.elements[0].target_fullname, key.ondelete)
            for key in table.foreign_key_constraints
        },
    }


def _column(column: Column[Any], dialect: Dialect) -> tuple[str, bool | None, bool]:
    return column.type.compile(dialect).partition(" CHARACTER SET")[0], column.nullable, column.primary_key


def test_both_know_the_same_tables() -> None:
    assert Base.metadata.tables.keys() == baseline.metadata.tables.keys()


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize("name", sorted(Base.metadata.tables))
def test_the_models_describe_what_the_first_revision_makes(name: str, dialect: Dialect) -> None:
    model, frozen = Base.metadata.tables[name], baseline.metadata.tables[name]
    assert described(model, dialect) == described(frozen, dialect)
