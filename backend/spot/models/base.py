"""The parent of all spot models, and their database."""

from sqlalchemy.orm import DeclarativeBase

from backend.core.database import Database


class Base(DeclarativeBase):
    """The parent of all spot models."""


db = Database(Base)
