"""The parent of all spot models, and their database."""

from sqlalchemy.orm import DeclarativeBase

from backend.core.database import make_database


class Base(DeclarativeBase):
    """The parent of all spot models."""


db = make_database(Base)
