"""Settling a pair of rows: what they name is bound, and what still isn't the same is a difference."""

from __future__ import annotations

from dataclasses import replace

from migration.compare.explain import explain
from migration.compare.reconcile import reconcile, same
from migration.compare.times import parse_time
from migration.compare.verdict import Difference, Kind, RowDifference
from migration.state.leftover import ROW, Leftover
from migration.state.tally import Tally


def settle(table: Leftover, ours: int, theirs: int, tally: Tally) -> None:
    """Compare two rows that are partners, and count what becomes of them."""
    control, candidate = table.rows[0][ours], table.rows[1][theirs]
    context = replace(table.context, noise=[], verdicts={})
    our_values, their_values = reconcile(control, candidate, ROW, context)
    found = [] if same(our_values, their_values) else list(explain(our_values, their_values, ROW, context.verdicts))
    key = tally.key(control)
    differences = [_of_row(table.layout.name, key, difference) for difference in found]
    tally.pair(differences, noise=bool(context.noise))


def _of_row(table: str, key: tuple[tuple[str, object], ...], difference: Difference) -> RowDifference:
    column = difference.location.removeprefix(ROW).removeprefix(".")
    kind, detail = difference.kind, difference.detail
    if kind is Kind.TIME:
        detail = _apart(difference)
    elif kind is Kind.TYPE and column.isidentifier():
        kind = Kind.VALUE  # null or not, or text in a column without a type: the database's types are no matter here
    return RowDifference(table, key, column, kind, difference.control, difference.candidate, detail)


def _apart(difference: Difference) -> str:
    ours, theirs = parse_time(str(difference.control)), parse_time(str(difference.candidate))
    if ours is None or theirs is None:
        return difference.detail
    return f"candidate's time lies {theirs.epoch - ours.epoch:+,.0f} s from control's"
