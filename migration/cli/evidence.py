"""Keeping what a replay showed as evidence in the ledger."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import click

from migration.cli.ledger_options import domain_option
from migration.compare.verdict import Outcome
from migration.ledger import Ledger, Route
from migration.ledger.evidence import Evidence, Run
from migration.ledger.routes import untyped_shape
from migration.ledger.schema import DEFAULT_LEDGER_URL
from migration.recording.exchange import header
from migration.replay.events import Event, ExchangeCompared
from migration.report import json_report
from migration.report.model import Report

Command = TypeVar("Command", bound=Callable[..., Any])

#: In which the proxy says who gave an answer; what legacy gave is no evidence for the native side.
_OWNER_HEADER = "x-cutover-owner"


def evidence_options(command: Command) -> Command:
    """``evidence``, ``ledger_url``, ``domain``, ``control_version`` and ``candidate_version``."""
    options = (
        click.option("--evidence", is_flag=True, help="Keep in the ledger what the run showed of each route."),
        click.option(
            "--ledger",
            "ledger_url",
            metavar="URL",
            help="The ledger for --evidence, which this implies.  [default: CUTOVER_LEDGER_URL]",
        ),
        domain_option,
        click.option("--control-version", metavar="TEXT", help="For the evidence.  [default: the commit, if any]"),
        click.option("--candidate-version", metavar="TEXT", help="For the evidence.  [default: the commit, if any]"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(slots=True)
class EvidenceKeeper:
    """A listener to a run that counts outcomes by route, for the routes that the ledger knows.

    Raises :class:`~migration.ledger.LedgerError` where there is no ledger to write to, before the run.
    """

    ledger: Ledger
    domain: str
    _routes: list[Route] = field(init=False)
    _outcomes: dict[tuple[str, str], Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        self._routes = self.ledger.routes(self.domain)

    def handle(self, event: Event) -> None:
        """Take the next event of the run."""
        if isinstance(event, ExchangeCompared):
            verdict = event.verdict
            headers = verdict.candidate.headers if verdict.candidate else ()
            if header(headers, _OWNER_HEADER) != "legacy":
                method, _, rule = verdict.route.partition(" ")
                self._outcomes[method, untyped_shape(rule)][verdict.outcome] += 1

    def keep(self, report: Report, control_version: str, candidate_version: str) -> str:
        """Write what was counted, and say so in a sentence."""
        databases = report.databases
        run = Run(
            at=report.run.started,
            recordings=report.run.recordings,
            digest=hashlib.sha256("".join(json_report.render(report)).encode()).hexdigest(),
            control=report.run.control,
            candidate=report.run.candidate,
            control_version=control_version,
            candidate_version=candidate_version,
            tables_different=databases.different_tables if databases.compared else None,
        )
        found = [
            _evidence(route, run, outcomes)
            for route in self._routes
            if (outcomes := self._outcomes.get((route.method, untyped_shape(route.rule))))
        ]
        self.ledger.add_evidence(self.domain, found)
        if not self._routes:
            return f"No evidence was kept: the ledger knows no route of the domain {self.domain}."
        exchanges = sum(evidence.exchanges for evidence in found)
        return f"Evidence of {exchanges:,} exchanges on {len(found)} of {len(self._routes)} routes is in the ledger."


def _evidence(route: Route, run: Run, outcomes: Counter[Outcome]) -> Evidence:
    return Evidence(
        method=route.method,
        rule=route.rule,
        run=run,
        equal=outcomes[Outcome.EQUAL],
        accepted=outcomes[Outcome.ACCEPTED],
        noise=outcomes[Outcome.NOISE],
        different=outcomes[Outcome.DIFFERENT],
        errors=outcomes[Outcome.ERROR],
    )


def evidence_keeper(evidence: bool, ledger_url: str | None, domain: str) -> EvidenceKeeper | None:
    """The keeper that the options ask for, if any. Raises :class:`~migration.ledger.LedgerError`."""
    if not evidence and ledger_url is None:
        return None
    url = ledger_url or os.environ.get("CUTOVER_LEDGER_URL") or DEFAULT_LEDGER_URL
    return EvidenceKeeper(Ledger(url), domain)
