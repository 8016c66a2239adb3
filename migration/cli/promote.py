"""``cutover promote`` and ``cutover rollback``: move routes forwards and back."""

from __future__ import annotations

from collections.abc import Sequence

import click

from migration.cli.ledger_options import change_options, refusals_as_usage_errors
from migration.ledger import Change, Ledger, Route
from migration.ledger.rollout import Outcome, roll_back
from migration.ledger.rollout import promote as promote_routes

#: Routes that a warning names.
_NAMED = 3


@click.command("promote")
@change_options
@click.option("--anyway", is_flag=True, help="Even where the newest evidence shows unexplained differences.")
def promote(patterns: tuple[str, ...], why: str, who: str, domain: str, ledger_url: str, anyway: bool) -> None:
    """Hand routes over to the native side.

    PATTERN is a method and a rule; `*` stands for anything, and without a method all methods are meant. Running
    servers follow within a second. Routes that the native side does not implement stay where they are. A route whose
    newest evidence (`cutover replay --evidence`) shows unexplained differences is refused.

    \b
    Example:
      cutover promote 'POST /api/agents/*' --why "a week without differences"
    """
    with refusals_as_usage_errors():
        outcome = promote_routes(Ledger(ledger_url), domain, patterns, who=who, why=why, anyway=anyway)
    _tell_changes(outcome.changes)
    _warn(outcome)
    _tell_routes("Served by native already", outcome.unchanged)
    _tell_routes("Left with legacy, because the native side does not implement it", outcome.not_native)


@click.command("rollback")
@change_options
def rollback(patterns: tuple[str, ...], why: str, who: str, domain: str, ledger_url: str) -> None:
    """Hand routes back to the legacy side.

    PATTERN is a method and a rule; `*` stands for anything, and without a method all methods are meant. Running
    servers follow within a second.

    \b
    Example:
      cutover rollback 'POST /api/agents/<agent_id>/heartbeat' --why "wrong answer for unknown agents"
    """
    with refusals_as_usage_errors():
        outcome = roll_back(Ledger(ledger_url), domain, patterns, who=who, why=why)
    _tell_changes(outcome.changes)
    _tell_routes("Served by legacy already", outcome.unchanged)


def _tell_changes(changes: Sequence[Change]) -> None:
    for change in changes:
        click.echo(f"{change.name}: {change.before} -> {change.after}")
    if changes:
        click.echo(f"{_routes(len(changes))} changed. Running servers follow within a second.")
    else:
        click.echo("Nothing was changed.")


def _warn(outcome: Outcome) -> None:
    """Say on stderr which of the promoted routes were never seen to agree, and which were seen to differ."""
    if outcome.unproven:
        names = ", ".join(route.name for route in outcome.unproven[:_NAMED])
        more = f" and {len(outcome.unproven) - _NAMED} more" if len(outcome.unproven) > _NAMED else ""
        click.echo(f"Warning: no evidence for {names}{more}. `cutover replay ... --evidence` gathers it.", err=True)
    for route, shown in outcome.doubtful:
        said = f"{shown.unexplained:,} of {shown.exchanges:,} exchanges differ"
        if not shown.unexplained:
            said = f"all answers agree, but {shown.run.tables_different} tables of the databases differ"
        click.echo(f"Warning: {route.name}: {said} in the run of {shown.run.at:%Y-%m-%d %H:%M} UTC.", err=True)


def _tell_routes(heading: str, routes: Sequence[Route]) -> None:
    if routes:
        click.echo(f"{heading}:")
        for route in routes:
            click.echo(f"  {route.name}")


def _routes(count: int) -> str:
    return "1 route was" if count == 1 else f"{count} routes were"
