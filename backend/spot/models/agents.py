"""Agents and the limits they keep."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from backend.core.strict_types import JsonText, StrictDecimal, StrictFlag, StrictInteger, StrictString, StrictTimestamp
from backend.spot.models.base import Base


class Agent(Base):
    """A logical agent; it keeps its identity while its instance changes."""

    __tablename__ = "agents"
    __table_args__ = (
        UniqueConstraint("client_id", "logical_agent_id", name="uk_client_logical"),
        Index("idx_agents_client", "client_id"),
        Index("idx_agents_client_status", "client_id", "status", "last_heartbeat_at"),
        Index("idx_agents_instance", "instance_id"),
        Index("idx_agents_on_instance", "instance_id", "status", "logical_agent_id"),
        Index("idx_agents_logical", "logical_agent_id"),
        Index("idx_agents_status", "status"),
        Index("idx_agents_enabled", "enabled"),
        Index("idx_agents_heartbeat", "last_heartbeat_at"),
        Index("idx_agents_mode", "current_mode"),
        Index("idx_agents_pool", "current_pool_id"),
        Index("idx_agents_replica", "manual_replica_enabled", "replica_count"),
    )

    id: Mapped[str] = mapped_column(StrictString(36), primary_key=True)
    client_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("clients.id", name="fk_agents_client", ondelete="CASCADE")
    )
    logical_agent_id: Mapped[str] = mapped_column(StrictString(255))
    hostname: Mapped[str | None] = mapped_column(StrictString(255))
    instance_id: Mapped[str | None] = mapped_column(StrictString(50))
    instance_type: Mapped[str | None] = mapped_column(StrictString(50))
    region: Mapped[str | None] = mapped_column(StrictString(50))
    az: Mapped[str | None] = mapped_column(StrictString(50))
    ami_id: Mapped[str | None] = mapped_column(StrictString(50))
    private_ip: Mapped[str | None] = mapped_column(StrictString(45))
    public_ip: Mapped[str | None] = mapped_column(StrictString(45))
    current_mode: Mapped[str | None] = mapped_column(StrictString(20), server_default="unknown")
    current_pool_id: Mapped[str | None] = mapped_column(StrictString(100))
    spot_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    baseline_ondemand_price: Mapped[float | None] = mapped_column(StrictDecimal(10, 6))
    agent_version: Mapped[str | None] = mapped_column(StrictString(32))
    instance_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    status: Mapped[str | None] = mapped_column(StrictString(20), server_default="offline")
    enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    last_heartbeat_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    auto_switch_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    auto_terminate_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    terminate_wait_seconds: Mapped[int | None] = mapped_column(StrictInteger(), server_default="300")
    replica_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    replica_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    manual_replica_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="0")
    current_replica_id: Mapped[str | None] = mapped_column(StrictString(255))
    installed_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    last_switch_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    last_interruption_signal: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    interruption_handled_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    last_failover_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    terminated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    last_termination_notice_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    last_rebalance_recommendation_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    emergency_replica_count: Mapped[int | None] = mapped_column(StrictInteger(), server_default="0")
    cleanup_enabled: Mapped[int | None] = mapped_column(StrictFlag(), server_default="1")
    last_cleanup_at: Mapped[datetime | None] = mapped_column(StrictTimestamp())
    metadata_: Mapped[Any | None] = mapped_column("metadata", JsonText())


class AgentConfig(Base):
    """The limits one agent keeps."""

    __tablename__ = "agent_configs"
    __table_args__ = (Index("idx_agent_configs_updated", "updated_at"),)

    agent_id: Mapped[str] = mapped_column(
        StrictString(36), ForeignKey("agents.id", name="fk_agent_configs_agent", ondelete="CASCADE"), primary_key=True
    )
    min_savings_percent: Mapped[float | None] = mapped_column(StrictDecimal(5, 2), server_default="15.00")
    risk_threshold: Mapped[float | None] = mapped_column(StrictDecimal(3, 2), server_default="0.30")
    max_switches_per_week: Mapped[int | None] = mapped_column(StrictInteger(), server_default="10")
    max_switches_per_day: Mapped[int | None] = mapped_column(StrictInteger(), server_default="3")
    min_pool_duration_hours: Mapped[int | None] = mapped_column(StrictInteger(), server_default="2")
    custom_config: Mapped[Any | None] = mapped_column(JsonText())
    created_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
    updated_at: Mapped[datetime | None] = mapped_column(StrictTimestamp(), server_default=func.now())
