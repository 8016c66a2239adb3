"""What every tool is asked, and the envelope of what it answers."""

from backend.core.wire_fields import Anything, Flag, Mapping, Text, WireSchema


class ToolCall(WireSchema):
    """One action of a tool, with its parameters."""

    action = Text(required=True)
    parameters = Mapping(load_default=dict)


class ToolAnswer(WireSchema):
    """What the action came to."""

    success = Flag(metadata={"example": True})
    data = Anything(metadata={"description": "What the action answers"})
    message = Text(metadata={"example": "Finance action 'balance' processed"})
    timestamp = Text(metadata={"example": "2026-11-21T03:08:42.497926", "description": "UTC, without a zone"})


class Refusal(WireSchema):
    """Why the request was not carried out."""

    detail = Text(metadata={"example": "There is no project 7."})
