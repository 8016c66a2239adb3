"""The stretches of a session in which somebody worked: all of it but its breaks."""

from collections.abc import Iterable
from datetime import datetime

from backend.assistant.services.time_tracking.days import Span


def worked(start: datetime, end: datetime, breaks: Iterable[tuple[datetime, datetime | None]]) -> list[Span]:
    """From `start` to `end` without the breaks; one without an end lasts to the end of the session."""
    spans, begun = [], start
    for pause_start, pause_end in sorted((first, last or end) for first, last in breaks):
        if begun < min(pause_start, end):
            spans.append((begun, min(pause_start, end)))
        begun = max(begun, pause_end)
    if begun < end:
        spans.append((begun, end))
    return spans


def seconds(spans: Iterable[Span]) -> int:
    """How long the spans are together; moments are whole seconds."""
    return sum(length(*span) for span in spans)


def length(start: datetime, end: datetime) -> int:
    """Whole seconds from one moment to another."""
    difference = end - start
    return difference.days * 86400 + difference.seconds
