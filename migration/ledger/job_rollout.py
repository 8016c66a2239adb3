"""Handing jobs over to the native side, and back."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from migration.ledger.errors import LedgerError
from migration.ledger.jobs import Job
from migration.ledger.routes import Change
from migration.ledger.state import State
from migration.ledger.store import Ledger

ALL = "*"


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What was done: ``moved`` jobs as they were before, with one change each; ``unchanged`` were there already."""

    moved: tuple[Job, ...]
    changes: tuple[Change, ...]
    unchanged: tuple[Job, ...]

    @property
    def by_hand(self) -> tuple[str, ...]:
        """What of the old side does not follow the ledger in what was moved."""
        return tuple(thing for job in self.moved for thing in job.by_hand)


def promote_jobs(
    ledger: Ledger, domain: str, names: Sequence[str], *, who: str, why: str, legacy_stopped: bool
) -> JobOutcome:
    """Hand the jobs over to native, all of them or none; ``*`` stands for all that native implements.

    ``legacy_stopped`` is the operator's word that what does not follow the ledger has been switched off. Raises
    :class:`LedgerError` without it where it is needed, and for unknown jobs and those that native does not implement.
    """
    jobs = _chosen(ledger, domain, names)
    for job in jobs:
        if not job.native_available and ALL not in names:
            raise LedgerError(f"{job.name} is not implemented by the native side, so it can't be promoted.")
    able = [job for job in jobs if job.native_available]
    running = [(job, thing) for job in able if job.state is not State.NATIVE for thing in job.by_hand]
    if running and not legacy_stopped:
        things = "; ".join(f"{thing} (for {job.name})" for job, thing in running)
        raise LedgerError(
            f"The old side does not follow the ledger here. First switch off: {things}. "
            "Then run the command again with --legacy-stopped."
        )
    return _move(ledger, able, State.NATIVE, who=who, why=why)


def roll_back_jobs(ledger: Ledger, domain: str, names: Sequence[str], *, who: str, why: str) -> JobOutcome:
    """Hand the jobs back to legacy, all of them or none; ``*`` stands for all. Raises :class:`LedgerError`."""
    return _move(ledger, _chosen(ledger, domain, names), State.LEGACY, who=who, why=why)


def _move(ledger: Ledger, jobs: Sequence[Job], after: State, *, who: str, why: str) -> JobOutcome:
    moved = [job for job in jobs if job.state is not after]
    changes = ledger.move([(job, after) for job in moved], who=who, why=why)
    return JobOutcome(tuple(moved), tuple(changes), tuple(job for job in jobs if job.state is after))


def _chosen(ledger: Ledger, domain: str, names: Sequence[str]) -> list[Job]:
    known = {job.name: job for job in ledger.jobs(domain)}
    if not known:
        raise LedgerError(
            f"The ledger knows no job of the domain {domain}. Start the server once: it enters the jobs of both sides."
        )
    if ALL in names:
        return list(known.values())
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            advice = f"Did you mean {near[0]!r}?" if near else "`cutover jobs` lists the known ones."
            raise LedgerError(f"No job is called {name!r}. {advice}")
    return [known[name] for name in dict.fromkeys(names)]
