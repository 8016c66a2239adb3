"""``python -m benchmarks [NAME...]``: measure, then print a table of ratios with their aims."""

from __future__ import annotations

import click
from rich.console import Console

from benchmarks import comparing, forwarding, llm, replaying, routes
from benchmarks.presentation import as_json, as_table
from benchmarks.ratio import Effort, Ratio
from benchmarks.spot import large, small

MEASURED = (forwarding, routes, replaying, comparing, llm, small, large)
BENCHMARKS = {benchmark.NAME: benchmark.run for benchmark in MEASURED}
#: Takes minutes, and a gigabyte: only where it is named.
LONG = (large.NAME,)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--rounds", type=click.IntRange(1), default=7, show_default=True, help="Turns for each measured thing.")
@click.option("--requests", type=click.IntRange(1), default=4000, show_default=True, help="Requests in each turn.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON instead of a table.")
def main(names: tuple[str, ...], rounds: int, requests: int, wants_json: bool) -> None:
    """Measure everything but spot-large, or only those named.

    Example: python -m benchmarks spot spot-large

    Absolute figures say as much about the machine as about Cutover: only the ratios can be compared with others'.
    """
    progress = Console(stderr=True)
    ratios: list[Ratio] = []
    for name in dict.fromkeys(names) or (name for name in BENCHMARKS if name not in LONG):
        with progress.status(f"Measuring {name} ..."):
            ratios += BENCHMARKS[name](Effort(rounds, requests))
    if wants_json:
        click.echo(as_json(ratios))
    else:
        Console().print(as_table(ratios))


if __name__ == "__main__":
    main()
