"""What the databases of both sides showed, on a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import RenderableType
from rich.rule import Rule as Line
from rich.table import Table
from rich.text import Text

from migration.report.databases import Databases, RowFinding
from migration.report.text import Change, changed, count, one_line, printable, shorten

_PLACES = 20
_VALUE_CHARACTERS = 160
_OUTCOMES = {"equal": "green", "accepted": "blue", "noise": "magenta", "different": "bold red"}


def databases(shown: Databases) -> Iterable[RenderableType]:
    """Lines on the databases: one where they agree, else the tables that don't, and an example for each place."""
    if not shown.shown:
        return
    yield Text()
    if shown.compared:
        yield from _compared(shown)
    for reason in shown.skipped:
        yield Text(f"The databases were not compared: {printable(reason)}.", style="dim")
    for error in shown.errors:
        yield Text(f"The databases could not be compared: {printable(error)}", style="yellow")


def _compared(shown: Databases) -> Iterable[RenderableType]:
    said = f"{count(shown.rows, 'row')} in {count(len(shown.used), 'table')}"
    told = [row for row in shown.tables if row.different or row.accepted or row.noise or row.notes]
    if told:
        yield Line("Databases", align="left", style="dim")
        table = Table(box=None, pad_edge=False)
        table.add_column("table", overflow="fold")
        for title in ("control\nrows", "candidate\nrows", *_OUTCOMES):
            table.add_column(title, justify="right", no_wrap=True)
        for row in told:
            outcomes = [_number(getattr(row, name), style) for name, style in _OUTCOMES.items()]
            table.add_row(Text(printable(row.table)), f"{row.control_rows:,}", f"{row.candidate_rows:,}", *outcomes)
        yield table
        yield from (Text(f"{row.table}: {printable(note)}", style="yellow") for row in told for note in row.notes)
    if not shown.found:
        yield Text(f"Databases: {said}, no unexplained difference.", style="dim")
    yield from (Text(printable(note), style="dim") for note in shown.notes)
    yield from _places(shown)


def _number(number: int, style: str) -> Text:
    return Text(f"{number:,}", style=style if number else "dim")


def _places(shown: Databases) -> Iterable[Text]:
    """One example for each table, column and kind, most frequent first."""
    places = shown.places
    for place in places[:_PLACES]:
        yield from _place(place)
    left = len(places) - _PLACES
    if left > 0:
        yield Text(f"\nand {count(left, 'more place')}; a report shows them all", style="bold")


def _place(group: Sequence[RowFinding]) -> Iterable[Text]:
    example = group[0]
    kind = "" if " " in example.place else f" ({example.kind})"
    yield Text()
    yield Text.assemble((f"{len(group):,}x ", "bold red"), (printable(example.name), "bold"), kind)
    control, candidate = changed(one_line(example.control), one_line(example.candidate), _VALUE_CHARACTERS)
    yield Text.assemble("    control    ", *marked(control, "bold red"))
    yield Text.assemble("    candidate  ", *marked(candidate, "bold green"))
    if example.detail:
        yield Text(f"    {printable(example.detail)}")
    key = ", ".join(f"{name} {shorten(one_line(value), 80)}" for name, value in example.key)
    yield Text(f"    {printable(f'{example.recording} {key}'.strip())}", style="dim")


def marked(change: Change, style: str) -> Iterable[tuple[str, str]]:
    """A value with the part that differs set off."""
    return (change.before, ""), (change.differing, style), (change.after, "")
