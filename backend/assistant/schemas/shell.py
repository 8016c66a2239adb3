"""What the desktop's shell sends and reads."""

from backend.assistant.schemas.screen import interval
from backend.core.wire_fields import Flag, ListOf, Text, WireSchema
from backend.core.wire_numbers import Number, WholeNumber


class ShellHealth(WireSchema):
    """The server is alive."""

    status = Text(metadata={"example": "ok"})
    model_loaded = Flag()
    gpu_available = Flag()


class Captured(WireSchema):
    """A picture that was taken, or why not."""

    success = Flag()
    message = Text(metadata={"example": "Screen captured successfully"})
    filepath = Text(metadata={"description": "where the PNG lies, of a success"})
    timestamp = Number(metadata={"description": "seconds since 1970"})
    size = WholeNumber(metadata={"description": "bytes"})
    dimensions = ListOf(WholeNumber(), metadata={"description": "width and height in pixels", "example": [1920, 1080]})


class MonitoringOrder(WireSchema):
    """How often to capture the screen."""

    interval = interval()


class MonitoringStarted(WireSchema):
    """The screen is captured from now on."""

    status = Text(metadata={"example": "monitoring_started"})
    interval = WholeNumber(metadata={"description": "seconds"})


class MonitoringStopped(WireSchema):
    """The screen is captured no more."""

    status = Text(metadata={"example": "monitoring_stopped"})


class ShutdownBegun(WireSchema):
    """The server ends after this answer."""

    message = Text(metadata={"example": "Shutdown initiated"})
