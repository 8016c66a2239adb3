"""The end of a run on a terminal: routes, differences by cause, one closing sentence, where the reports are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from migration.report.model import Cause, Counts, Latency, Report, RouteRow
from migration.report.terminal_databases import databases, marked
from migration.report.text import changed, count, one_line, printable, shorten

_CAUSES = 20
_ERRORS = 5
_NARROW = 100
_VALUE_CHARACTERS = 160
_OUTCOMES = {"equal": "green", "accepted": "blue", "noise": "magenta", "different": "bold red", "errors": "yellow"}


def print_report(console: Console, report: Report, paths: Sequence[Path] = ()) -> None:
    """Print ``report`` to ``console``; ``paths`` are the files that hold more.

    Colours and widths are the console's: none without a terminal or with NO_COLOR. Nothing that came from a server
    reaches the terminal unescaped.
    """
    if report.routes:
        console.print(_routes(report, narrow=console.width < _NARROW))
        if report.run.control_recorded:
            console.print(Text("Control's latencies are those of the recording.", style="dim"))
    if report.run.control_strayed:
        console.print(Text(_strayed(report), style="yellow"))
    for part in (*_causes(report, paths), *databases(report.databases), *_errors(report), *_rules(report)):
        console.print(part, soft_wrap=isinstance(part, Text))
    console.print()
    console.print(Text(printable(report.sentence), style="bold green" if report.parity else "bold red"), soft_wrap=True)
    for path in paths:
        console.print(Text(f"  {path}", style="dim"), soft_wrap=True)


def _strayed(report: Report) -> str:
    return (
        f"Control gave another status than recorded to {report.run.control_strayed:,} of "
        f"{count(report.summary.exchanges, 'exchange')}: its state was not that of the recording, so this run proves "
        "less than it seems to. Give it a fresh database, or the rows that the recording expects."
    )


def _routes(report: Report, narrow: bool) -> Table:
    """One row a route; a narrow terminal gets the outcomes that matter and the ratio."""
    table = Table(box=None, pad_edge=False, show_footer=len(report.routes) > 1, footer_style="bold")
    outcomes = [name for name in _OUTCOMES if name != "errors" or report.summary.errors]
    if narrow:
        outcomes = [name for name in outcomes if name in ("different", "errors")]
    table.add_column("route", footer=count(len(report.routes), "route"), overflow="fold", ratio=1)
    for name in ("exchanges", *outcomes):
        table.add_column(name, footer=f"{getattr(report.summary, name):,}", justify="right", no_wrap=True)
    for title in () if narrow else ("control\np50/p95 ms", "candidate\np50/p95 ms"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("ratio", justify="right", no_wrap=True)
    for row in report.routes:
        latencies = () if narrow else (_latency(row.control), _latency(row.candidate))
        numbers = [_number(row.counts, name) for name in outcomes]
        table.add_row(Text(printable(row.route)), f"{row.counts.exchanges:,}", *numbers, *latencies, _ratio(row))
    return table


def _number(counts: Counts, name: str) -> Text:
    number = getattr(counts, name)
    return Text(f"{number:,}", style=_OUTCOMES[name] if number else "dim")


def _latency(latency: Latency | None) -> str:
    return "-" if latency is None else f"{latency.p50:.1f}/{latency.p95:.1f}"


def _ratio(row: RouteRow) -> str:
    return "-" if row.ratio is None else f"{row.ratio:.2f}x"


def _causes(report: Report, paths: Sequence[Path]) -> Iterable[RenderableType]:
    if not report.causes:
        return
    yield Text()
    yield Line("Differences by cause", align="left", style="dim")
    for cause in report.causes[:_CAUSES]:
        yield from _cause(cause)
    left = len(report.causes) - _CAUSES
    if left > 0:
        where = f", in {paths[0]}" if paths else "; write a report to see them all"
        yield Text(f"\nand {count(left, 'more cause')}{where}", style="bold")


def _cause(cause: Cause) -> Iterable[Text]:
    example = cause.example
    yield Text()
    yield Text.assemble(
        (f"{cause.count:,}x ", "bold red"),
        (printable(cause.location), "bold"),
        f" ({cause.kind}) ",
        (printable(cause.route), "cyan"),
    )
    control, candidate = changed(one_line(example.control), one_line(example.candidate), _VALUE_CHARACTERS)
    yield Text.assemble("    control    ", *marked(control, "bold red"))
    yield Text.assemble("    candidate  ", *marked(candidate, "bold green"))
    if example.detail:
        yield Text(f"    {printable(example.detail)}")
    place = f" at {example.location}" if example.location != cause.location else ""
    label = f" {example.exchange.label}" if example.exchange.label else ""
    yield Text(f"    {printable(f'{example.exchange.name}{label}{place}')}", style="dim")
    yield Text(f"    {printable(example.curl)}", style="dim")


def _errors(report: Report) -> Iterable[RenderableType]:
    if not report.errors:
        return
    yield Text()
    yield Line("Not compared", align="left", style="dim")
    for detail in report.errors[:_ERRORS]:
        yield Text.assemble(
            (printable(detail.exchange.name), "yellow"),
            f" {printable(detail.route)}: {shorten(printable(detail.error or ''), 300)}",
        )
    left = report.summary.errors - _ERRORS
    if left > 0:
        yield Text(f"and {left:,} more", style="bold")


def _rules(report: Report) -> Iterable[RenderableType]:
    late = [row for row in report.rules if row.state != "active"]
    if not late:
        return
    yield Text()
    yield Line("Rules whose time is up", align="left", style="dim")
    for row in late:
        rule = row.rule
        said = f"{rule.subject} {rule.place}: {row.state.value}, expires {rule.expires}, owner {rule.owner}"
        yield Text(printable(said), style="yellow")
