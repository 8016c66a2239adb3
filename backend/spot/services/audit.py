"""Keeping what operators did: who, what, to which thing, when."""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, Text, bindparam, insert

from backend.core.admin_access import Actor
from backend.core.clock import utc_now
from backend.core.hiding import shown_path
from backend.core.prepared import Prepared
from backend.core.rows import NOW, insert_rows_unless_present
from backend.core.rows_behind import Row, RowsBehind
from backend.core.session import Session
from backend.core.sessions import open_session
from backend.core.strict_types import JsonText
from backend.spot.models import AuditLog

LONGEST_USER_AGENT = 500
COLUMNS = (
    "id",
    "entity_type",
    "entity_id",
    "action",
    "actor_type",
    "actor_id",
    "details",
    "ip_address",
    "user_agent",
)
#: What the log is told: callers may have put secrets into the rest.
LOGGED = ("id", "action", "entity_type", "entity_id", "actor_type", "actor_id", "ip_address")
AuditRow = dict[str, Any]
#: Texts have been cut to their columns already: their types need not look at them again.
SENT = {name: bindparam(name, type_=JsonText() if name == "details" else Text()) for name in COLUMNS}
KEEP = Prepared(insert(AuditLog).values(SENT | {"created_at": NOW}).inline())

_log = logging.getLogger("backend.spot.audit")


def audit(
    session: Session,
    actor: Actor,
    action: str,
    entity_type: str,
    entity_id: str | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write one row into the audit log, in the transaction of what it tells of. Never pass tokens."""
    keep(session, audit_row(actor, action, entity_type, entity_id, details))


def audit_row(
    actor: Actor, action: str, entity_type: str, entity_id: str | None, details: dict[str, Any] | None = None
) -> AuditRow:
    """A row of the audit log, but for its time: its COLUMNS.

    Texts are cut to their columns: what an operator did must not fail for the length of its name. Never pass tokens.
    """
    return {
        "id": str(uuid4()),
        "entity_type": _cut(entity_type, 50),
        "entity_id": _cut(entity_id, 36),
        "action": _cut(action, 100),
        "actor_type": _cut(actor.kind, 50),
        "actor_id": _cut(actor.name, 100),
        "details": details or None,
        "ip_address": _cut(actor.address, 45),
        "user_agent": _cut(actor.user_agent, LONGEST_USER_AGENT),
    }


def keep(session: Session, row: AuditRow) -> None:
    """Write a row into the audit log."""
    session.write(KEEP, row)


def keep_soon(session: Session, row: AuditRow, behind: RowsBehind) -> None:
    """Keep that something was read: at once in the log, in the audit log a moment later, with others.

    Where too many wait, and none can be written, reading fails as writing does.
    """
    told = {name: row[name] for name in LOGGED}
    # An id that is a part of the path may as well be a token that somebody took for one.
    told["entity_id"] = shown_path(row["entity_id"] or "", None)
    _log.info("asked for by an operator", extra=told)
    if not behind.take({**row, "created_at": utc_now()}):
        keep(session, row)


def audit_behind(domain: str, database: Engine) -> RowsBehind:
    """What keeps rows of the audit log a moment later."""

    def write(rows: Sequence[Row]) -> None:
        with open_session(database) as session:
            insert_rows_unless_present(session, AuditLog, rows)

    return RowsBehind(domain, AuditLog.__tablename__, write)


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text.replace("\0", "")[:length]
