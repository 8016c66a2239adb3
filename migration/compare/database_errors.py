"""Database errors that reach clients carry the database's own words; they are compared by their class.

Numbers: MySQL 8.0 Error Reference and MariaDB's error codes; SQLite result texts; SQLSTATE classes of PostgreSQL.
"""

from __future__ import annotations

import re

_MYSQL = re.compile(r"(?P<errno>\d{4}) \((?P<state>[0-9A-Z]{5})\): ")
_MYSQL_CLASSES = {
    1048: "null",
    1364: "no default",
    1062: "duplicate",
    1451: "foreign key",
    1452: "foreign key",
    1406: "too long",
    1264: "out of range",
    1366: "bad value",
    1265: "bad value",
    1292: "bad time",
    1054: "unknown column",
    1146: "unknown table",
    1064: "syntax",
    1205: "lock",
    1213: "lock",
}
_OTHER_CLASSES = (
    (re.compile(r"NOT NULL constraint failed|violates not-null constraint"), "null"),
    (re.compile(r"UNIQUE constraint failed|violates unique constraint"), "duplicate"),
    (re.compile(r"FOREIGN KEY constraint failed|violates foreign key constraint"), "foreign key"),
    (re.compile(r"value too long for type|CHECK constraint failed: .*length\("), "too long"),
    (re.compile(r"invalid input syntax for type (?:timestamp|date)"), "bad time"),
    (re.compile(r"invalid input syntax for type|CHECK constraint failed: .*typeof\("), "bad value"),
    (re.compile(r"no such column|column .* does not exist"), "unknown column"),
    (re.compile(r"no such table|relation .* does not exist"), "unknown table"),
    (re.compile(r"database is locked|deadlock detected"), "lock"),
    (re.compile(r'near ".*": syntax error|syntax error at or near'), "syntax"),
)


def error_class(text: str) -> str | None:
    """The class of the database error that ``text`` words, whatever database words it, or None if it is none."""
    match = _MYSQL.match(text)
    if match:
        errno = int(match["errno"])
        return _MYSQL_CLASSES.get(errno, f"error {errno}")
    return next((name for pattern, name in _OTHER_CLASSES if pattern.search(text)), None)
