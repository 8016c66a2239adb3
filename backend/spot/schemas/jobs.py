"""What operators see of the background jobs."""

from marshmallow import Schema, fields

from backend.spot.schemas.example_fields import moment, number, one, text, whole

OUTCOMES = ["running", "succeeded", "failed", "stopped", "abandoned"]


class JobRun(Schema):
    """A run of a job: how many seconds it took, and what it did."""

    startedAt = moment()
    finishedAt = moment(nullable=True)
    seconds = number(0.42, nullable=True)
    outcome = fields.String(metadata={"enum": OUTCOMES, "example": "succeeded"})
    counts = fields.Dict(
        keys=fields.String(), values=fields.Integer(), allow_none=True, metadata={"example": {"clients": 12}}
    )
    error = text("The database could not carry out the request", nullable=True)


class JobHealth(Schema):
    """A job over all processes: `holder` runs it now; `skips` counts the times its last run was not over yet."""

    name = text("client-snapshots")
    description = text("Writes down how many clients there are")
    schedule = text("daily at 00:05 UTC")
    owner = fields.String(metadata={"enum": ["native", "legacy"], "example": "native"})
    holder = text("web-1:4711", nullable=True)
    lastRun = one(JobRun, nullable=True)
    nextRunAt = moment(nullable=True)
    runs = whole(31)
    failures = whole(0)
    skips = whole(0)
