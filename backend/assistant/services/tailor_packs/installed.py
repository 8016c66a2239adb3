"""Packs that are installed, as rows and as the frontend sees them."""

import json
import math
from datetime import datetime
from typing import Any

from sqlalchemy import select

from backend.assistant.models import TailorPack
from backend.assistant.services.records import Row, table_of
from backend.core.session import Session

TABLE = table_of(TailorPack)
DAY = 24 * 60 * 60


def all_packs(session: Session) -> dict[str, Row]:
    """Every pack's row by the pack's id, in order of the names."""
    rows = session.execute(select(TABLE).order_by(TABLE.c.name, TABLE.c.pack_id)).mappings()
    return {row["pack_id"]: dict(row) for row in rows}


def may_be_used(row: Row, at: datetime) -> bool:
    """Whether a pack needs no licence, or has one, or is on trial."""
    on_trial = row["trial_ends_at"] is not None and row["trial_ends_at"] > at
    return not row["license_required"] or row["licensed"] or on_trial


def is_active(row: Row, at: datetime) -> bool:
    """Whether a pack is switched on, and may still be."""
    return bool(row["active"]) and may_be_used(row, at)


def dependencies_of(row: Row) -> list[str]:
    """The ids of the packs that a pack needs."""
    return list(dict.fromkeys(json.loads(row["dependencies"])))


def missing(row: Row, packs: dict[str, Row], at: datetime) -> list[str]:
    """The packs that a pack needs and that are not there, or not active."""
    return [
        name
        for name in dependencies_of(row)
        if name != row["pack_id"] and (name not in packs or not is_active(packs[name], at))
    ]


def shown(row: Row, at: datetime) -> dict[str, Any]:
    """A pack in the frontend's words."""
    ends = row["trial_ends_at"]
    on_trial = row["license_required"] and not row["licensed"] and ends is not None
    return {
        "id": row["pack_id"],
        "name": row["name"],
        "version": row["version"],
        "description": row["description"],
        "author": row["author"],
        "category": row["business_category"],
        "targetAudience": row["target_audience"],
        "active": is_active(row, at),
        "features": json.loads(row["features"]),
        "dependencies": dependencies_of(row),
        "licenseRequired": bool(row["license_required"]),
        "trialDaysLeft": max(0, math.ceil((ends - at).total_seconds() / DAY)) if on_trial else None,
    }
