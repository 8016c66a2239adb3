"""What is installed, what is on, and what a pack needs."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import update

from backend.assistant.services.records import Row
from backend.assistant.services.tailor_packs import installed
from backend.assistant.services.tailor_packs.installed import TABLE, all_packs, dependencies_of, is_active
from backend.assistant.services.tailor_packs.refusals import PackRefusedError, not_found
from backend.core.session import Session


def listing(session: Session, at: datetime) -> dict[str, Any]:
    """All packs by name."""
    shown = [installed.shown(row, at) for row in all_packs(session).values()]
    active = sum(pack["active"] for pack in shown)
    return {"success": True, "installedPacks": shown, "totalInstalled": len(shown), "totalActive": active}


def statistics(session: Session, at: datetime) -> dict[str, Any]:
    """How many packs there are of each kind; `total_size` is in bytes."""
    rows = list(all_packs(session).values())
    return {
        "success": True,
        "statistics": {
            "total_installed": len(rows),
            "total_active": sum(is_active(row, at) for row in rows),
            "categories": Counter(row["business_category"] for row in rows),
            "target_audiences": Counter(row["target_audience"] for row in rows),
            "licensed_packs": sum(bool(row["license_required"]) for row in rows),
            "total_size": sum(row["size"] for row in rows),
        },
    }


def toggle(session: Session, at: datetime, pack_id: str, *, enabled: bool) -> dict[str, Any]:
    """Switch a pack on, which needs a licence and what it depends on, or off, unless others need it."""
    packs = all_packs(session)
    row = packs.get(pack_id)
    if row is None:
        raise PackRefusedError(404, "Pack not installed")
    refuse = _refuse_to_enable if enabled else _refuse_to_disable
    refuse(row, packs, at)
    session.execute(update(TABLE).where(TABLE.c.id == row["id"]).values(active=enabled))
    return {"success": True, "message": f"{'Enabled' if enabled else 'Disabled'} {row['name']}"}


def plan(session: Session, at: datetime, pack_id: str) -> dict[str, Any]:
    """What has to be installed or enabled for a pack to work, what is needed first coming first."""
    packs = all_packs(session)
    if pack_id not in packs:
        raise not_found()
    actions: list[dict[str, Any]] = []
    seen = {pack_id}

    def look_below(name: str) -> None:
        for needed in dependencies_of(packs[name]):
            if needed in seen:
                continue
            seen.add(needed)
            row = packs.get(needed)
            if row is None:
                actions.append({"action": "install", "pack_id": needed, "required_by": name})
                continue
            look_below(needed)
            if not is_active(row, at):
                actions.append({"action": "enable", "pack_id": needed, "required_by": name})

    look_below(pack_id)
    return {"success": True, "plan": actions, "total_actions": len(actions)}


def _refuse_to_enable(row: Row, packs: dict[str, Row], at: datetime) -> None:
    if not installed.may_be_used(row, at):
        raise PackRefusedError(402, "Valid license required")
    missing = installed.missing(row, packs, at)
    if missing:
        raise PackRefusedError(409, f"Missing dependencies: {missing}")


def _refuse_to_disable(row: Row, packs: dict[str, Row], at: datetime) -> None:
    pack_id = row["pack_id"]
    needed_by = [
        name
        for name, other in packs.items()
        if name != pack_id and is_active(other, at) and pack_id in dependencies_of(other)
    ]
    if needed_by:
        raise PackRefusedError(409, f"Needed by active packs: {needed_by}")
