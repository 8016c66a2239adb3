"""The ledger's rows about jobs as values, and the statements on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update

from migration.ledger import schema
from migration.ledger.jobs import DeclaredJob, Job
from migration.ledger.rows import aware, utc_now
from migration.ledger.state import State


def read_jobs(connection: Connection, domain: str) -> list[Job]:
    """The jobs of ``domain``, by name."""
    query = select(schema.jobs).where(schema.jobs.c.domain == domain).order_by(schema.jobs.c.name)
    return [_job_of(row) for row in connection.execute(query).mappings()]


def declare(connection: Connection, domain: str, declared: Sequence[DeclaredJob], owner: State) -> bool:
    """Enter unknown jobs, owned by `owner`, and bring what is known of the others up to date; whether that changed any.

    Jobs that are not among ``declared`` are not implemented by the native side any more.
    """
    known = {job.name: job for job in read_jobs(connection, domain)}
    changed = False
    for job in declared:
        facts = {"native_available": True, "replaces": "\n".join(job.replaces), "by_hand": "\n".join(job.by_hand)}
        before = known.pop(job.name, None)
        if before is None:
            row = {"domain": domain, "name": job.name, "state": owner.value, **facts}
            connection.execute(insert(schema.jobs).values(row | {"updated": utc_now(), "who": "", "why": "seeded"}))
            changed = True
        elif (before.native_available, before.replaces, before.by_hand) != (True, job.replaces, job.by_hand):
            connection.execute(update(schema.jobs).where(schema.jobs.c.id == before.id).values(facts))
            changed = True
    for gone in known.values():
        if gone.native_available:
            connection.execute(update(schema.jobs).where(schema.jobs.c.id == gone.id).values(native_available=False))
            changed = True
    return changed


def _job_of(row: Any) -> Job:
    return Job(
        id=row["id"],
        domain=row["domain"],
        name=row["name"],
        state=State(row["state"]),
        native_available=bool(row["native_available"]),
        replaces=_lines(row["replaces"]),
        by_hand=_lines(row["by_hand"]),
        updated=aware(row["updated"]),
        who=row["who"],
        why=row["why"],
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.split("\n")) if text else ()
