"""Which transactions are open on a system's database, and which of them wait for a lock, as its server says."""

from __future__ import annotations

import time
from typing import Any

from tests.backend.conftest import Spot

#: MariaDB shows the transactions of the last reading again until nobody has read for a tenth of a second: whoever looks
#: more often than that sees one moment for ever.
MARIADB_REMEMBERS_SECONDS = 0.11
OPEN = {
    "mariadb": "SELECT t.trx_mysql_thread_id AS id, t.trx_state = 'LOCK WAIT' AS waits, t.trx_query AS query"
    " FROM information_schema.INNODB_TRX t JOIN information_schema.PROCESSLIST p ON p.id = t.trx_mysql_thread_id"
    " WHERE p.db = DATABASE()",
    "postgres": "SELECT pid AS id, coalesce(wait_event_type, '') = 'Lock' AS waits, query FROM pg_stat_activity"
    " WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()",
}


def open_transactions(spot: Spot, product: str) -> list[dict[str, Any]]:
    """Every transaction that is open on a server now: the id of its connection, whether it `waits`, and its query."""
    if product == "mariadb":
        time.sleep(MARIADB_REMEMBERS_SECONDS)
    return spot.sql(OPEN[product])


def waiting_transactions(spot: Spot, product: str) -> list[dict[str, Any]]:
    """Those of them that wait for a lock."""
    return [each for each in open_transactions(spot, product) if each["waits"]]
