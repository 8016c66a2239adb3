"""Sums to be reached."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from backend.assistant.models import FinancialGoal
from backend.assistant.services import records
from backend.assistant.services.finance.amounts import NOTHING, percentage, text
from backend.assistant.services.records import Row
from backend.core.session import Session

COMPLETE = Decimal("100.00")


def add(session: Session, at: datetime, **values: Any) -> Row:
    """Set a goal."""
    row = {"current_amount": NOTHING, "created_at": at.replace(microsecond=0)} | values
    identifier = records.add(session, FinancialGoal, **row)
    return _with_progress(records.shown(records.find(session, FinancialGoal, identifier, "goal")))


def listed(session: Session, limit: int, offset: int) -> Row:
    """Goals, the newest first, with how much of each is reached in percent, at most 100."""
    page = records.newest(session, FinancialGoal, "goals", [], limit, offset, by="id")
    return {**page, "goals": [_with_progress(row) for row in page["goals"]]}


def change(session: Session, goal_id: int, **changes: Any) -> Row:
    """Change a goal, or how much of it is reached."""
    row = records.find(session, FinancialGoal, goal_id, "goal", lock=True)
    records.change(session, FinancialGoal, goal_id, **changes)
    return _with_progress(records.shown({**row, **changes}))


def delete(session: Session, goal_id: int) -> Row:
    """Delete a goal."""
    records.find(session, FinancialGoal, goal_id, "goal", lock=True)
    records.remove(session, FinancialGoal, goal_id)
    return {"deleted": goal_id}


def _with_progress(row: Row) -> Row:
    reached = percentage(Decimal(row["current_amount"]), Decimal(row["target_amount"]))
    return {**row, "progress_percent": text(min(reached, COMPLETE))}
