"""``cutover compare-databases``: what two databases hold, row by row."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from migration.cli.refusal import Refusal
from migration.cli.registries import chosen_registry, registry_options
from migration.compare.locations import glob
from migration.compare.registry import RegistryError
from migration.compare.times import Clock
from migration.report import json_report
from migration.report.databases import Databases, DatabasesBuilder
from migration.report.limits import Limits
from migration.report.secrets import pseudonyms
from migration.report.terminal_databases import databases as lines_on_databases
from migration.report.text import count
from migration.state.comparison import DatabaseComparison
from migration.state.source import DatabaseSource, reading
from migration.state.terms import Terms
from migration.targets.database import SideDatabaseError


@click.command("compare-databases")
@click.argument("control", metavar="CONTROL_URL")
@click.argument("candidate", metavar="CANDIDATE_URL")
@click.option("--table", "tables", multiple=True, metavar="PATTERN", help="Only tables of this name; * for anything.")
@registry_options
@click.option(
    "--time-tolerance",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="Seconds by which times may lie apart.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare_databases(
    control: str,
    candidate: str,
    tables: tuple[str, ...],
    rule_files: tuple[Path, ...],
    no_rules: bool,
    time_tolerance: float,
    as_json: bool,
) -> None:
    """Compare what two databases hold: table by table, row by row.

    Both may be of different products (SQLite, MySQL/MariaDB, PostgreSQL). Identifiers that each side made up are bound
    to each other by the rows they occur in, and times may lie a little apart. Use it for what has no answer to compare:
    start from two copies of one database, run the old side's job on one and the new side's on the other, and compare.
    Nothing is written. Exit status: 0 equal, 1 differences, 2 could not run.

    \b
    Examples:
      cutover compare-databases sqlite:///old.sqlite3 sqlite:///new.sqlite3
      cutover compare-databases mysql://root@127.0.0.1/old postgresql://me@127.0.0.1/new --time-tolerance 120
      cutover compare-databases mysql://root@127.0.0.1/old mysql://root@127.0.0.1/new --table 'pricing_*' --json
    """
    try:
        comparison = DatabaseComparison(chosen_registry(rule_files, no_rules))
        with ExitStack() as stack:
            ours, theirs = (_only(stack.enter_context(reading(url)), tables) for url in (control, candidate))
            if not ours.tables and not theirs.tables:
                raise Refusal("There is no table to compare.")
            verdict = comparison.compare(ours, theirs, Terms(clock=Clock(time_tolerance)))
    except (SideDatabaseError, RegistryError) as error:
        raise Refusal(str(error)) from error
    builder = DatabasesBuilder(pseudonyms(), Limits())
    builder.add("", verdict)
    shown = builder.databases
    if as_json:
        click.echo(json.dumps(json_report.databases(shown), indent=2))
    else:
        _print(shown)
    sys.exit(0 if shown.equal else 1)


def _only(source: DatabaseSource, patterns: tuple[str, ...]) -> DatabaseSource:
    if patterns:
        wanted = [glob(pattern.lower()) for pattern in patterns]
        source.tables = {
            name: table for name, table in source.tables.items() if any(each.fullmatch(name) for each in wanted)
        }
    return source


def _print(shown: Databases) -> None:
    console = Console()
    for part in lines_on_databases(shown):
        console.print(part, soft_wrap=isinstance(part, Text))
    if shown.found:
        console.print()
        said = f"{count(shown.found, 'difference')} in {count(shown.different_tables, 'table')}."
        console.print(Text(said, style="bold red"))
