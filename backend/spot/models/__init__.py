"""The tables the domain uses, on their existing names. More tables exist: see the migrations."""

from backend.spot.models.agents import Agent, AgentConfig
from backend.spot.models.audit_logs import AuditLog
from backend.spot.models.base import Base, db
from backend.spot.models.cleanup_logs import CleanupLog
from backend.spot.models.clients import Client
from backend.spot.models.commands import Command, PendingSwitchCommand
from backend.spot.models.decisions import AgentDecision, DecisionEngineRun, RiskScore
from backend.spot.models.instances import Instance
from backend.spot.models.interruptions import InterruptionEvent, TerminationEvent
from backend.spot.models.model_files import EngineUpload, ModelRegistryEntry, ModelUploadSession
from backend.spot.models.notifications import Notification, SystemEvent
from backend.spot.models.pools import (
    CleanPriceSnapshot,
    OndemandPrice,
    OndemandPriceSnapshot,
    SpotPool,
    SpotPriceHour,
    SpotPriceRollup,
    SpotPriceSnapshot,
)
from backend.spot.models.pricing_pipeline import DataProcessingJob, InterpolatedPriceSnapshot, PriceSubmission
from backend.spot.models.pricing_reports import PricingReport
from backend.spot.models.replicas import InstanceSwitch, ReplicaInstance
from backend.spot.models.savings import ClientSavingsMonthly, ClientsDailySnapshot, CostRecord, SavingsSnapshot
from backend.spot.models.switches import Switch

__all__ = [
    "Agent",
    "AgentConfig",
    "AgentDecision",
    "AuditLog",
    "Base",
    "CleanPriceSnapshot",
    "CleanupLog",
    "Client",
    "ClientSavingsMonthly",
    "ClientsDailySnapshot",
    "Command",
    "CostRecord",
    "DataProcessingJob",
    "DecisionEngineRun",
    "EngineUpload",
    "Instance",
    "InstanceSwitch",
    "InterpolatedPriceSnapshot",
    "InterruptionEvent",
    "ModelRegistryEntry",
    "ModelUploadSession",
    "Notification",
    "OndemandPrice",
    "OndemandPriceSnapshot",
    "PendingSwitchCommand",
    "PriceSubmission",
    "PricingReport",
    "ReplicaInstance",
    "RiskScore",
    "SavingsSnapshot",
    "SpotPool",
    "SpotPriceHour",
    "SpotPriceRollup",
    "SpotPriceSnapshot",
    "Switch",
    "SystemEvent",
    "TerminationEvent",
    "db",
]
