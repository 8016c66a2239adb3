"""Alembic's way in; how revisions are run is the same for every domain."""

from backend.assistant.migrations import baseline
from backend.core.migrations import run_revisions

run_revisions(baseline.metadata, {})
