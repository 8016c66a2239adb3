"""What a MariaDB server is really asked, whichever way it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.mariadb import MariaDB

SENT_TOGETHER = re.compile(r";(?=(?:BEGIN|COMMIT|SELECT|INSERT|UPDATE|DELETE)\b)")
LOGGED = "SELECT argument FROM mysql.general_log WHERE command_type = 'Query' ORDER BY event_time"


@contextmanager
def statements_on(server: MariaDB) -> Iterator[list[str]]:
    """The statements that were executed inside, parameters and all; the list is filled at the end."""
    executed: list[str] = []
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("TRUNCATE mysql.general_log")
        cursor.execute("SET GLOBAL general_log = 1")
        try:
            yield executed
        finally:
            cursor.execute("SET GLOBAL general_log = 0")
        cursor.execute(LOGGED)
        texts = [bytes(text).decode() if isinstance(text, bytes) else text for (text,) in cursor.fetchall()]
        apart = [statement for text in texts for statement in SENT_TOGETHER.split(text)]
        executed += [statement for statement in apart if not statement.startswith("SET GLOBAL")]
