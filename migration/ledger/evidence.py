"""Evidence: what a run showed of one route, kept in the ledger for those who decide about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from migration.ledger import schema
from migration.ledger.routes import Route, RouteKey, untyped_shape
from migration.ledger.rows import aware

#: Runs kept of each route.
KEPT = 20


@dataclass(frozen=True, slots=True)
class Run:
    """The run that evidence is from: when (UTC), its recordings, the SHA-256 of its JSON report, and the two sides.

    Versions are empty where nothing tells them. ``tables_different`` counts the tables of the databases that differ,
    None where these were not compared.
    """

    at: datetime
    recordings: tuple[str, ...]
    digest: str
    control: str
    candidate: str
    control_version: str = ""
    candidate_version: str = ""
    tables_different: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """How many exchanges of a route a run compared, and what became of them."""

    method: str
    rule: str
    run: Run
    equal: int = 0
    accepted: int = 0
    noise: int = 0
    different: int = 0
    errors: int = 0

    @property
    def exchanges(self) -> int:
        return self.equal + self.accepted + self.noise + self.different + self.errors

    @property
    def unexplained(self) -> int:
        """Exchanges that speak against the route."""
        return self.different + self.errors

    @property
    def doubtful(self) -> bool:
        """Whether something speaks against the route, or at least against the run as a whole."""
        return bool(self.unexplained or self.run.tables_different)


class EvidenceBook:
    """The newest evidence of each route of a domain."""

    def __init__(self, newest: Iterable[Evidence]) -> None:
        self._by_shape = {_shape((evidence.method, evidence.rule)): evidence for evidence in newest}

    def of(self, route: Route) -> Evidence | None:
        """What the last run showed of ``route``, None where there was none."""
        return self._by_shape.get(_shape((route.method, route.rule)))


def _shape(key: RouteKey) -> RouteKey:
    return key[0], untyped_shape(key[1])


def write_evidence(connection: Connection, domain: str, evidence: Sequence[Evidence]) -> None:
    """Add ``evidence``, and forget what is too old."""
    table = schema.evidence
    for each in evidence:
        connection.execute(insert(table).values(_row(domain, each)))
        same = (table.c.domain == domain, table.c.method == each.method, table.c.rule == each.rule)
        newest = select(table.c.id).where(*same).order_by(table.c.id.desc()).limit(KEPT)
        oldest_kept = min(connection.scalars(newest))
        connection.execute(delete(table).where(*same, table.c.id < oldest_kept))


def read_evidence(connection: Connection, domain: str) -> list[Evidence]:
    """All that is kept for ``domain``, oldest first."""
    query = select(schema.evidence).where(schema.evidence.c.domain == domain).order_by(schema.evidence.c.id)
    return [_evidence_of(row) for row in connection.execute(query).mappings()]


def _row(domain: str, evidence: Evidence) -> dict[str, Any]:
    run = evidence.run
    return {
        "domain": domain,
        "method": evidence.method,
        "rule": evidence.rule,
        "equal": evidence.equal,
        "accepted": evidence.accepted,
        "noise": evidence.noise,
        "different": evidence.different,
        "errors": evidence.errors,
        "tables_different": run.tables_different,
        "at": run.at.replace(tzinfo=None, microsecond=0),
        "recordings": json.dumps(run.recordings),
        "digest": run.digest,
        "control": run.control,
        "candidate": run.candidate,
        "control_version": run.control_version,
        "candidate_version": run.candidate_version,
    }


def _evidence_of(row: Any) -> Evidence:
    run = Run(
        at=aware(row["at"]),
        recordings=tuple(json.loads(row["recordings"])),
        digest=row["digest"],
        control=row["control"],
        candidate=row["candidate"],
        control_version=row["control_version"],
        candidate_version=row["candidate_version"],
        tables_different=row["tables_different"],
    )
    counts = {name: row[name] for name in ("equal", "accepted", "noise", "different", "errors")}
    return Evidence(row["method"], row["rule"], run, **counts)
