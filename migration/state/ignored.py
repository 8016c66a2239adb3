"""Tables that hold no state of the system: who ran what, and which version the schema has."""

from __future__ import annotations

from migration.compare.locations import glob
from migration.compare.registry import PlaceKind, Registry, column_location, table_route

_VERSION = "the schema's version, as a tool for migrations keeps it"
_TOOL = "the ledger of this tool"
_INTERNAL = "the database's own"
_JOBS = "which process ran a job and when; what the job did is in the other tables"
_TOOLING = {
    "alembic_version": _VERSION,
    "django_migrations": _VERSION,
    "flyway_schema_history": _VERSION,
    "schema_migrations": _VERSION,
    "ar_internal_metadata": _VERSION,
    "cutover_*": _TOOL,
    "sqlite_*": _INTERNAL,
    "job_leases": _JOBS,
    "job_runs": _JOBS,
    "apscheduler_jobs": _JOBS,
}


def reason_to_ignore(table: str, registry: Registry) -> str | None:
    """Why ``table`` is not compared, None where it is: it is tooling, or noise as a whole."""
    for pattern, reason in _TOOLING.items():
        if glob(pattern).fullmatch(table.lower()):
            return reason
    for place in registry.columns:
        whole = place.kind is PlaceKind.NOISE and place.location == column_location("*")
        if whole and glob(place.route).fullmatch(table_route(table)):
            return place.reason
    return None
