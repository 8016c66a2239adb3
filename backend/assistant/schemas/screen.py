"""What the actions on the screen are told."""

from typing import Any

from backend.core.wire_fields import Text, WireSchema
from backend.core.wire_numbers import WholeNumber

LONGEST_INTERVAL = 24 * 60 * 60


def interval(**options: Any) -> WholeNumber:
    """Seconds between two captures."""
    return WholeNumber(
        load_default=30,
        ge=1,
        le=LONGEST_INTERVAL,
        metadata={"description": "seconds between captures", "example": 30},
        **options,
    )


class NothingToChoose(WireSchema):
    """Nothing."""


class WantedCapture(WireSchema):
    """Which capture; a path may only be that of a capture."""

    image_path = Text(
        load_default=None,
        allow_none=True,
        max_length=4096,
        metadata={
            "description": "the name or the path of a capture; the newest without it",
            "example": "capture_20261121T030842687017_5f0c7a9e.png",
        },
    )


class MonitoringInterval(WireSchema):
    """How often."""

    interval = interval()
