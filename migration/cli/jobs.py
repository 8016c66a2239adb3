"""``cutover jobs``: who runs which job, and handing jobs over."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from migration.cli.ledger_options import domain_option, job_change_options, ledger_option, refusals_as_usage_errors
from migration.cli.tables import OWNER_COLOURS, print_table, shown_time
from migration.ledger import Job, Ledger, State
from migration.ledger.job_rollout import JobOutcome, promote_jobs, roll_back_jobs


@click.group("jobs", invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@domain_option
@ledger_option
@click.pass_context
def jobs(context: click.Context, as_json: bool, domain: str, ledger_url: str) -> None:
    """Show who runs each job of a domain, since when and why; or hand jobs over.

    \b
    Examples:
      cutover jobs
      cutover jobs promote client-snapshots --why "same rows on both sides"
      cutover jobs rollback client-snapshots --why "wrong numbers"
    """
    if context.invoked_subcommand is None:
        with refusals_as_usage_errors():
            _show(Ledger(ledger_url).jobs(domain), domain, as_json)


@jobs.command("promote")
@job_change_options
@click.option(
    "--legacy-stopped",
    is_flag=True,
    help="What does not follow the ledger on the old side has been switched off.",
)
def promote(names: tuple[str, ...], why: str, who: str, domain: str, ledger_url: str, legacy_stopped: bool) -> None:
    """Hand jobs over to the native side.

    NAME is a job's name, or '*' for all. Running servers follow within a second, and the native side runs a job from
    its next slot on, if BACKGROUND_JOBS is on. The bundled monolith follows the ledger too; of any other one, and of
    its database's events, you are told what to switch off first.

    \b
    Examples:
      cutover jobs promote client-snapshots --why "same rows on both sides"
      cutover jobs promote '*' --legacy-stopped --why "the monolith runs with ENABLE_BACKGROUND_JOBS=false now"
    """
    with refusals_as_usage_errors():
        outcome = promote_jobs(Ledger(ledger_url), domain, names, who=who, why=why, legacy_stopped=legacy_stopped)
    _tell(outcome, "Run by native already")


@jobs.command("rollback")
@job_change_options
def rollback(names: tuple[str, ...], why: str, who: str, domain: str, ledger_url: str) -> None:
    """Hand jobs back to the legacy side.

    NAME is a job's name, or '*' for all. Running servers follow within a second; a run under way ends after the
    transaction it is in.

    \b
    Example:
      cutover jobs rollback client-snapshots --why "wrong numbers"
    """
    with refusals_as_usage_errors():
        outcome = roll_back_jobs(Ledger(ledger_url), domain, names, who=who, why=why)
    _tell(outcome, "Run by legacy already")
    if outcome.by_hand:
        click.echo("Switch on again on the old side:")
        for thing in outcome.by_hand:
            click.echo(f"  {thing}")


def _tell(outcome: JobOutcome, heading: str) -> None:
    for change in outcome.changes:
        click.echo(f"{change.rule}: {change.before} -> {change.after}")
    if outcome.changes:
        count = len(outcome.changes)
        subject = "1 job was" if count == 1 else f"{count} jobs were"
        click.echo(f"{subject} handed over. Running servers follow within a second.")
    else:
        click.echo("Nothing was changed.")
    if outcome.unchanged:
        click.echo(f"{heading}:")
        for job in outcome.unchanged:
            click.echo(f"  {job.name}")


def _show(known: Sequence[Job], domain: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"domain": domain, "jobs": [_as_json(job) for job in known]}))
    elif not known:
        click.echo(
            f"The ledger knows no job of the domain {domain}. Start the server once: it enters the jobs of both sides."
        )
    else:
        headings = (
            "Job",
            "Owner",
            "Native",
            "On the old side",
            "Switch off there by hand",
            "Since (UTC)",
            "Who",
            "Why",
        )
        table = Table(*headings, title=f"Jobs of {domain}")
        for job in known:
            owner = Text(job.state.value, style=OWNER_COLOURS[job.state])
            available = "yes" if job.native_available else "no"
            texts = ("\n".join(job.replaces), "\n".join(job.by_hand), shown_time(job.updated), job.who, job.why)
            table.add_row(Text(job.name), owner, available, *(Text(text) for text in texts))
        print_table(table)
        native = sum(job.state is State.NATIVE for job in known)
        click.echo(f"{len(known)} jobs: {len(known) - native} legacy, {native} native.")


def _as_json(job: Job) -> dict[str, object]:
    return {
        "name": job.name,
        "owner": job.state.value,
        "native_available": job.native_available,
        "replaces": list(job.replaces),
        "by_hand": list(job.by_hand),
        "since": job.updated.isoformat(),
        "who": job.who,
        "why": job.why,
    }
