"""The tables the domain uses."""

from backend.assistant.models.base import Base, db
from backend.assistant.models.finance import Budget, Expense, FinancialGoal, Income, Invoice, TimeEntry
from backend.assistant.models.music import Listening, PlayerState, Playlist, PlaylistTrack, Track
from backend.assistant.models.projects import Project
from backend.assistant.models.tailor_packs import TailorPack
from backend.assistant.models.time_tracking import ActivityLog, Break, DailyGoal, TimeSession

__all__ = [
    "ActivityLog",
    "Base",
    "Break",
    "Budget",
    "DailyGoal",
    "Expense",
    "FinancialGoal",
    "Income",
    "Invoice",
    "Listening",
    "PlayerState",
    "Playlist",
    "PlaylistTrack",
    "Project",
    "TailorPack",
    "TimeEntry",
    "TimeSession",
    "Track",
    "db",
]
