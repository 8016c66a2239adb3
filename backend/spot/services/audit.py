"""Keeping what operators did: who, what, to which thing, when."""

from typing import Any
from uuid import uuid4

from backend.core.admin_access import Actor
from backend.core.rows import NOW, insert_row
from backend.core.session import Session
from backend.spot.models import AuditLog

LONGEST_USER_AGENT = 500


def audit(
    session: Session,
    actor: Actor,
    action: str,
    entity_type: str,
    entity_id: str | None,
    details: dict[str, Any] | None = None,
) -> None:
    """Write one row into the audit log, in the transaction of what it tells of.

    Texts are cut to their columns: what an operator did must not fail for the length of its name. Never pass tokens.
    """
    insert_row(
        session,
        AuditLog,
        id=str(uuid4()),
        entity_type=_cut(entity_type, 50),
        entity_id=_cut(entity_id, 36),
        action=_cut(action, 100),
        actor_type=_cut(actor.kind, 50),
        actor_id=_cut(actor.name, 100),
        details=details or None,
        ip_address=_cut(actor.address, 45),
        user_agent=_cut(actor.user_agent, LONGEST_USER_AGENT),
        created_at=NOW,
    )


def _cut(text: str | None, length: int) -> str | None:
    return None if text is None else text.replace("\0", "")[:length]
