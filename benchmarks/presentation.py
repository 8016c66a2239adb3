"""Showing ratios to people and to programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich.table import Table

from benchmarks.ratio import Ratio

_VERDICTS = {True: "[green]met[/]", False: "[red]not met[/]", None: ""}


def as_table(ratios: Sequence[Ratio]) -> Table:
    table = Table(title="Ratios, both sides of each measured in this run")
    for heading in ("benchmark", "measured", "values"):
        table.add_column(heading)
    for heading in ("ratio", "aim"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for ratio in ratios:
        aim = str(ratio.aim) if ratio.aim else ""
        table.add_row(ratio.benchmark, ratio.what, ratio.measured, f"{ratio.value:.2f}", aim, _VERDICTS[ratio.met])
    return table


def as_json(ratios: Sequence[Ratio]) -> str:
    """``{"ratios": [{benchmark, what, ratio, measured, aim, met}]}``; ``aim`` and ``met`` may be null."""
    entries = [
        {
            "benchmark": ratio.benchmark,
            "what": ratio.what,
            "ratio": ratio.value,
            "measured": ratio.measured,
            "aim": str(ratio.aim) if ratio.aim else None,
            "met": ratio.met,
        }
        for ratio in ratios
    ]
    return json.dumps({"ratios": entries}, indent=2, ensure_ascii=False)
