"""The tables of the scheduler. They have no models: no domain works with them."""

from sqlalchemy import JSON, BigInteger, Column, DateTime, Float, Index, Integer, MetaData, String, Table, Text
from sqlalchemy.dialects import mysql

NAME_LENGTH = 64
HOLDER_LENGTH = 255

metadata = MetaData()
moment = DateTime().with_variant(mysql.DATETIME(fsp=6), "mysql", "mariadb")
number = BigInteger().with_variant(Integer(), "sqlite")

#: One row a job. `fence` grows with each run, so that a holder that lost the lease can tell; `due_at` is the last slot
#: that was taken and `attempts` how often it was begun (0: it is done). The counters are over all processes.
leases = Table(
    "job_leases",
    metadata,
    Column("name", String(NAME_LENGTH), primary_key=True),
    Column("holder", String(HOLDER_LENGTH)),
    Column("acquired_at", moment),
    Column("expires_at", moment),
    Column("fence", number, nullable=False),
    Column("due_at", moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("runs", number, nullable=False),
    Column("failures", number, nullable=False),
    Column("skips", number, nullable=False),
)

#: The newest runs of each job; `due_at` is NULL for a run by hand, `duration` in seconds.
runs = Table(
    "job_runs",
    metadata,
    Column("id", number, primary_key=True),
    Column("name", String(NAME_LENGTH), nullable=False),
    Column("holder", String(HOLDER_LENGTH), nullable=False),
    Column("due_at", moment),
    Column("started_at", moment, nullable=False),
    Column("finished_at", moment),
    Column("duration", Float),
    Column("outcome", String(16), nullable=False),
    Column("counts", JSON),
    Column("error", Text),
    Index("idx_job_runs_newest", "name", "id"),
)
