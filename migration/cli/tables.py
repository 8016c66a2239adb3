"""How the commands print tables."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.table import Table

from migration.ledger import State

OWNER_COLOURS = {State.LEGACY: "yellow", State.NATIVE: "green"}
#: A pipe has no width; lines that a program reads must not be cut at 80 columns.
_PIPE_WIDTH = 200


def print_table(table: Table) -> None:
    """Print to a terminal as wide as it is, and to a pipe without cutting lines."""
    console = Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH
    console.print(table)


def shown_time(moment: datetime) -> str:
    """A time for people, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
