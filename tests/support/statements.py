"""What the backend sends to MySQL and MariaDB, whichever way it takes through its libraries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backend.core.mysql_connection import FrugalConnection


@contextmanager
def sent_to_mysql() -> Iterator[list[str]]:
    """The statements that connections of this process send meanwhile, with their values in them."""
    sent: list[str] = []
    query = FrugalConnection.query

    def remember(connection: FrugalConnection, sql: str | bytes, unbuffered: bool = False) -> Any:
        sent.append(sql if isinstance(sql, str) else sql.decode())
        return query(connection, sql, unbuffered)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FrugalConnection, "query", remember)
        yield sent
