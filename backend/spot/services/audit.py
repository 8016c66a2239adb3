"""Keeping what operators did: who, what, to which thing, when."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from sqlalchemy import Text, bindparam, insert

from backend.core.admin_access import Actor
from backend.core.prepared import Prepared
from backend.core.rows import NOW
from backend.core.session import Session
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
AuditRow = dict[str, Any]
#: Texts have been cut to their columns already: their types need not look at them again.
SENT = {name: bindparam(name, type_=JsonText() if name == "details" else Text()) for name in COLUMNS}
KEEP = Prepared(insert(AuditLog).values(SENT | {"created_at": NOW}).inline())


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


def keep_and_ask(session: Session, row: AuditRow, query: Prepared, params: Mapping[str, Any]) -> Any:
    """What a query answers once a row of the audit log that tells of it has been kept, by itself."""
    return session.keep_and_ask((KEEP, row), (query, params))


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text.replace("\0", "")[:length]
