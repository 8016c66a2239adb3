"""The tables the native routes use, on their existing names. More tables exist: see the migrations."""

from backend.spot.models.agents import Agent, AgentConfig
from backend.spot.models.base import Base, db
from backend.spot.models.cleanup_logs import CleanupLog
from backend.spot.models.clients import Client
from backend.spot.models.commands import Command, PendingSwitchCommand
from backend.spot.models.decisions import AgentDecision, DecisionEngineRun, RiskScore
from backend.spot.models.instances import Instance
from backend.spot.models.interruptions import InterruptionEvent, TerminationEvent
from backend.spot.models.notifications import Notification, SystemEvent
from backend.spot.models.pools import (
    CleanPriceSnapshot,
    OndemandPrice,
    OndemandPriceSnapshot,
    SpotPool,
    SpotPriceSnapshot,
)
from backend.spot.models.pricing_reports import PricingReport
from backend.spot.models.switches import Switch

__all__ = [
    "Agent",
    "AgentConfig",
    "AgentDecision",
    "Base",
    "CleanPriceSnapshot",
    "CleanupLog",
    "Client",
    "Command",
    "DecisionEngineRun",
    "Instance",
    "InterruptionEvent",
    "Notification",
    "OndemandPrice",
    "OndemandPriceSnapshot",
    "PendingSwitchCommand",
    "PricingReport",
    "RiskScore",
    "SpotPool",
    "SpotPriceSnapshot",
    "Switch",
    "SystemEvent",
    "TerminationEvent",
    "db",
]
