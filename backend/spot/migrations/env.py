"""Alembic's way in; how revisions are run is the same for every domain."""

from backend.core.migrations import run_revisions
from backend.spot.migrations import baseline
from backend.spot.migrations.events import EVENTS

run_revisions(baseline.metadata, EVENTS)
