"""The parent of all assistant models, and their database."""

from sqlalchemy.orm import DeclarativeBase

from backend.core.database import Database


class Base(DeclarativeBase):
    """The parent of all assistant models."""


db = Database(Base)
