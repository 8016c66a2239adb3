"""The time as the databases keep it: UTC, without a zone."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Now in UTC, naive, with microseconds."""
    return datetime.now(UTC).replace(tzinfo=None)
