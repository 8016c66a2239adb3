"""The assistant's tables as its first release makes them."""

import sqlalchemy as sa

from backend.assistant.migrations.baseline import finance, music, projects, tailor_packs, time_tracking
from backend.assistant.migrations.baseline.tables import metadata

__all__ = ["create", "finance", "metadata", "music", "projects", "tailor_packs", "time_tracking"]


def create(connection: sa.Connection) -> None:
    """Create every table and index that is not there yet."""
    metadata.create_all(connection)
