"""``cutover routes``: who serves what, and filling the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click
from rich.table import Table
from rich.text import Text

from migration.cli.evidence_shown import evidence_as_json, evidence_in_words, evidence_of_all
from migration.cli.ledger_options import domain_option, ledger_option, refusals_as_usage_errors
from migration.cli.tables import OWNER_COLOURS, print_table, shown_time
from migration.ledger import Change, EvidenceBook, Ledger, Route, State
from migration.ledger.seeding import routes_from, routes_of_app
from migration.targets.loading import load_wsgi


@click.command("routes")
@click.option(
    "--seed",
    metavar="SOURCE",
    help="First enter the routes of SOURCE that are not known yet: an OpenAPI file (.json, .yaml), a recording "
    "(.har), or a Flask application's import path.",
)
@click.option(
    "--native",
    metavar="TARGET",
    help="First note which routes TARGET, the native application's import path, implements.",
)
@click.option("--history", is_flag=True, help="Show the last changes of owners instead, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@domain_option
@ledger_option
def routes(seed: str | None, native: str | None, history: bool, as_json: bool, domain: str, ledger_url: str) -> None:
    """Show who serves each route of a domain, since when and why.

    \b
    Examples:
      cutover routes --seed 'legacy.spot:create_app()' --native 'backend:create_app'
      cutover routes --history
    """
    with refusals_as_usage_errors():
        ledger = Ledger(ledger_url)
        if seed:
            added = ledger.seed(domain, routes_from(seed))
            click.echo(f"{len(added)} routes of {seed} were added.", err=True)
        if native:
            ledger.set_native(domain, routes_of_app(load_wsgi(native), native))
        if history:
            _show_history(ledger.history(domain), domain, as_json)
        else:
            _show_routes(ledger.routes(domain), ledger.evidence(domain), domain, as_json)


def _show_routes(known: Sequence[Route], book: EvidenceBook, domain: str, as_json: bool) -> None:
    if as_json:
        routes = [_as_json(route) | {"evidence": evidence_as_json(book.of(route))} for route in known]
        click.echo(json.dumps({"domain": domain, "counts": _counts(known), "routes": routes}))
    elif not known:
        click.echo(
            f"The ledger knows no route of the domain {domain}. Fill it with `cutover routes --seed SOURCE`, where "
            "SOURCE is the legacy application, an OpenAPI file or a recording."
        )
    else:
        headings = ("Method", "Route", "Owner", "Native", "Evidence", "Since (UTC)", "Who", "Why")
        table = Table(*headings, title=f"Routes of {domain}")
        table.columns[1].overflow = "fold"
        for route in known:
            owner = Text(route.state.value, style=OWNER_COLOURS[route.state])
            available = "yes" if route.native_available else "no"
            since = shown_time(route.updated)
            shown = evidence_in_words(book.of(route))
            who, why = Text(route.who), Text(route.why)
            table.add_row(route.method, Text(route.rule), owner, available, shown, since, who, why)
        print_table(table)
        counts = _counts(known)
        owners = ", ".join(f"{counts[state.value]} {state.value}" for state in State)
        click.echo(f"{len(known)} routes: {owners}; {counts['native_available']} implemented by the native side.")
        proven = [evidence for route in known if (evidence := book.of(route))]
        if proven:
            click.echo(evidence_of_all(proven))


def _show_history(changes: Sequence[Change], domain: str, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"domain": domain, "history": [_change_as_json(change) for change in changes]}))
    elif not changes:
        click.echo(f"No route of the domain {domain} has changed its owner yet; `cutover promote` does that.")
    else:
        table = Table("When (UTC)", "Route", "From", "To", "Who", "Why", title=f"Changes in {domain}")
        for change in changes:
            after = Text(change.after.value, style=OWNER_COLOURS[change.after])
            when = shown_time(change.at)
            table.add_row(when, Text(change.name), change.before.value, after, Text(change.who), Text(change.why))
        print_table(table)


def _counts(known: Sequence[Route]) -> dict[str, int]:
    counts = {state.value: sum(route.state is state for route in known) for state in State}
    return counts | {"native_available": sum(route.native_available for route in known)}


def _as_json(route: Route) -> dict[str, object]:
    return {
        "method": route.method,
        "rule": route.rule,
        "owner": route.state.value,
        "native_available": route.native_available,
        "since": route.updated.isoformat(),
        "who": route.who,
        "why": route.why,
    }


def _change_as_json(change: Change) -> dict[str, object]:
    return {
        "method": change.method,
        "rule": change.rule,
        "from": change.before.value,
        "to": change.after.value,
        "who": change.who,
        "at": change.at.isoformat(),
        "why": change.why,
    }
