"""The tables the domain uses."""

from backend.assistant.models.base import Base, db

__all__ = ["Base", "db"]
