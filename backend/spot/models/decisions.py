"""What the decision engine said."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import (
    JsonText,
    StrictDecimal,
    StrictFlag,
    StrictInteger,
    StrictString,
    StrictText,
    StrictTimestamp,
)
from backend.spot.models.base import Base


class RiskScore(Base):
    """A decision, as it was answered."""

    __tablename__ = "risk_scores"
    __table_args__ = (
        Index("idx_risk_scores_client_time", "client_id", text("created_at DESC")),
        Index("idx_risk_scores_instance", "instance_id"),
        Index("idx_risk_scores_action", "recommended_action"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_risk_scores_client", ondelete="CASCADE")
    )
    agent_id: Mapped[str | None] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_risk_scores_agent", ondelete="SET NULL")
    )
    instance_id: Mapped[str | None] = mapped_column(StrictString(64))
    risk_score: Mapped[float | None] = mapped_column(StrictDecimal(5, 4))
    recommended_action: Mapped[str] = mapped_column(StrictString(50))
    recommended_mode: Mapped[str | None] = mapped_column(StrictString(20))
    recommended_pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    expected_savings_per_hour: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    allowed: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    reason: Mapped[str | None] = mapped_column(StrictText())
    model_version: Mapped[str | None] = mapped_column(StrictString(64))
    decision_metadata: Mapped[Any | None] = mapped_column(JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class AgentDecision(Base):
    """A decision, as part of the history of an agent."""

    __tablename__ = "agent_decision_history"
    __table_args__ = (
        Index("idx_decision_agent", "agent_id", text("decision_time DESC")),
        Index("idx_decision_agent_newest", "agent_id", "decision_time", "id"),
        Index("idx_decision_client", "client_id", text("decision_time DESC")),
        Index("idx_decision_time", text("decision_time DESC")),
        Index("idx_decision_type", "decision_type"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_decision_agent", ondelete="CASCADE")
    )
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_decision_client", ondelete="CASCADE")
    )
    decision_type: Mapped[str] = mapped_column(StrictString(64))
    recommended_action: Mapped[str | None] = mapped_column(StrictString(64))
    recommended_pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    risk_score: Mapped[float | None] = mapped_column(StrictDecimal(5, 4))
    expected_savings: Mapped[float | None] = mapped_column(StrictDecimal(15, 4))
    current_mode: Mapped[str | None] = mapped_column(StrictString(20))
    current_pool_id: Mapped[str | None] = mapped_column(StrictString(128))
    current_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    decision_time: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())


class DecisionEngineRun(Base):
    """One run of the decision engine with what went in and out."""

    __tablename__ = "decision_engine_log"
    __table_args__ = (
        Index("idx_decision_log_instance_time", "instance_id", text("created_at DESC")),
        Index("idx_decision_log_created", text("created_at DESC")),
        Index("idx_decision_log_engine", "engine_type"),
    )

    id: Mapped[int] = mapped_column(StrictInteger(64), primary_key=True)
    engine_type: Mapped[str] = mapped_column(StrictString(64))
    engine_version: Mapped[str | None] = mapped_column(StrictString(32))
    instance_id: Mapped[str | None] = mapped_column(StrictString(64))
    input_data: Mapped[Any] = mapped_column(JsonText())
    output_decision: Mapped[Any] = mapped_column(JsonText())
    execution_time_ms: Mapped[int | None] = mapped_column(StrictInteger())
    models_used: Mapped[Any | None] = mapped_column(JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
