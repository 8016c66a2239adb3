"""Times before now, as databases and answers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def now() -> datetime:
    """Now in UTC, to the second, without a zone."""
    return datetime.now(UTC).replace(microsecond=0, tzinfo=None)


def ago(**span: float) -> str:
    """The time so long ago, as databases take it."""
    return str(now() - timedelta(**span))


def in_answers(time: str) -> str:
    """A time of `ago` as answers give it."""
    return time.replace(" ", "T")
