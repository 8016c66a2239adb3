"""How long rows are kept."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, column, delete, select, table

from backend.core.session import Session
from backend.core.strict_types import StrictTimestamp
from backend.spot.models import (
    AuditLog,
    CleanupLog,
    Command,
    DataProcessingJob,
    DecisionEngineRun,
    Notification,
    OndemandPriceSnapshot,
    PendingSwitchCommand,
    PriceSubmission,
    PricingReport,
    RiskScore,
    SpotPriceSnapshot,
    SystemEvent,
)
from backend.spot.services.price_hours import KEPT


@dataclass(frozen=True)
class Retention:
    """Rows with this `key` may go `days` after this `moment`, provided they are `finished`; NULL is no moment."""

    key: Any
    moment: Any
    days: int
    finished: ColumnElement[bool] | None = None

    @property
    def name(self) -> str:
        """The table's name."""
        return str(self.key.table.name)


def _unused(name: str, moment: str) -> tuple[Any, Any]:
    """Key and moment of a table that nothing else here works with."""
    found = table(name, column("id"), column(moment, StrictTimestamp()))
    return found.c.id, found.c[moment]


RETENTIONS = (
    Retention(SpotPriceSnapshot.id, SpotPriceSnapshot.captured_at, KEPT.days),
    Retention(OndemandPriceSnapshot.id, OndemandPriceSnapshot.captured_at, 30),
    Retention(RiskScore.id, RiskScore.created_at, 90),
    Retention(DecisionEngineRun.id, DecisionEngineRun.created_at, 30),
    Retention(PricingReport.id, PricingReport.received_at, 30),
    Retention(*_unused("model_predictions", "created_at"), 30),
    Retention(SystemEvent.id, SystemEvent.created_at, 90),
    Retention(AuditLog.id, AuditLog.created_at, 180),
    Retention(Notification.id, Notification.created_at, 30, Notification.is_read == 1),
    Retention(Command.id, Command.completed_at, 7, Command.status.in_(("completed", "failed", "cancelled"))),
    Retention(PendingSwitchCommand.id, PendingSwitchCommand.executed_at, 7),
    Retention(*_unused("agent_health_metrics", "metric_time"), 30),
    Retention(*_unused("pool_risk_analysis", "analysis_time"), 30),
    Retention(*_unused("replica_cost_log", "log_time"), 30),
    Retention(CleanupLog.id, CleanupLog.executed_at, 30),
    Retention(PriceSubmission.id, PriceSubmission.received_at, 7, PriceSubmission.processed == 1),
    Retention(DataProcessingJob.id, DataProcessingJob.created_at, 90),
)


def delete_expired(session: Session, retention: Retention, now: datetime, limit: int) -> int:
    """Delete up to `limit` rows whose time is over; returns how many there were."""
    expired = select(retention.key).where(retention.moment < now - timedelta(days=retention.days)).limit(limit)
    if retention.finished is not None:
        expired = expired.where(retention.finished)
    # Two statements: no database deletes quickly by a subquery of the table itself with a limit.
    keys = session.execute(expired).scalars().all()
    if keys:
        session.connection().execute(delete(retention.key.table).where(retention.key.in_(keys)))
    return len(keys)
