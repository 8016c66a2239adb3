"""What the tools are told about projects."""

from backend.assistant.schemas.exact_fields import (
    amount,
    day,
    limit,
    long_text,
    offset,
    phrase,
    required_phrase,
    row_id,
)
from backend.core.wire_fields import Choice, Text, WireSchema

MOST_MONEY = "9999999999.99"
MOST_RATE = "999999.99"
STATUSES = ("active", "archived")


def color() -> Text:
    """A colour as in HTML."""
    return Text(pattern=r"\A#[0-9a-fA-F]{6}\Z", metadata={"example": "#ff0000"})


class ProjectList(WireSchema):
    """Which projects are listed."""

    status = Choice(*STATUSES, metadata={"description": "Only these"})
    limit = limit()
    offset = offset()


class ProjectChanges(WireSchema):
    """What a project is to become; what is left out stays as it is."""

    project_id = row_id("the project", required=True)
    name = phrase(200, "Website", allow_none=False, min_length=1)
    client_name = phrase(200, "Example Ltd.")
    hourly_rate = amount(MOST_RATE, "100.00", least="0")
    total_budget = amount(MOST_MONEY, "5000.00", least="0", allow_none=True)
    status = Choice(*STATUSES, metadata={"example": "active"})
    start_date = day("The first day", allow_none=True)
    end_date = day("The last day", allow_none=True)
    description = long_text("The new shop")
    color = color()


class NewProject(WireSchema):
    """A project: its rate is 100.00 an hour unless told otherwise."""

    name = required_phrase(200, "Website")
    client_name = phrase(200, "Example Ltd.")
    hourly_rate = amount(MOST_RATE, "100.00", least="0")
    total_budget = amount(MOST_MONEY, "5000.00", least="0", allow_none=True)
    start_date = day("The first day", allow_none=True)
    end_date = day("The last day", allow_none=True)
    description = long_text("The new shop")
    color = color()


class ProjectNamed(WireSchema):
    """A project by its id."""

    project_id = row_id("the project", required=True)
