"""One comparison of two databases, table by table: equal rows are set aside, the others are paired and settled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from migration.compare.context import Context
from migration.compare.knowledge import Knowledge
from migration.compare.registry import column_location, table_route
from migration.compare.verdict import Kind, RowDifference
from migration.state.ignored import reason_to_ignore
from migration.state.layout import Layout, lay
from migration.state.leftover import Leftover
from migration.state.onesided import lost_columns, lost_table, new_columns, new_table
from migration.state.pairing import Pairing
from migration.state.remainder import KeyedRow, Remainder, find_remainder
from migration.state.settling import settle
from migration.state.sharing import bind_what_both_know
from migration.state.sight import Reading, readings
from migration.state.source import Source
from migration.state.tables import Table
from migration.state.tally import Bench, Place, Tally
from migration.state.terms import Terms
from migration.state.values import record
from migration.state.verdict import IgnoredTable, StateVerdict, TableVerdict


class Meeting:
    """Two databases that are compared once. ``most_rows`` without an equal are looked at, of each table and side."""

    def __init__(
        self, control: Source, candidate: Source, terms: Terms, knowledge: Knowledge, bench: Bench, most_rows: int
    ) -> None:
        self._control = control
        self._candidate = candidate
        self._terms = terms
        # A number in an answer says nothing of the same digits in a version or a price.
        self._knowledge = knowledge.seen_by(lambda value: not value.isdigit() and terms.minted(value))
        self._bench = bench
        self._most_rows = most_rows
        names = sorted({*control.tables, *candidate.tables})
        reasons = {name: reason_to_ignore(name, bench.registry) for name in names}
        self._ignored = {name: reason for name, reason in reasons.items() if reason is not None}
        self._ours = {name: table for name, table in control.tables.items() if name not in self._ignored}
        self._theirs = {name: table for name, table in candidate.tables.items() if name not in self._ignored}
        self._layouts = lay(self._ours, self._theirs)
        self._tallies = {layout.name: Tally(layout.name, layout.key, bench) for layout in self._layouts}

    def hold(self, *, learning: bool = False) -> StateVerdict:
        """Compare. ``learning`` says that both databases are control's."""
        self._terms.bindings.forget_guesses()
        translate = lru_cache(maxsize=65536)(self._terms.bindings.translate)
        remainders = [self._remainder(layout, translate) for layout in self._layouts]
        leftovers = [
            self._leftover(layout, remainder, learning)
            for layout, remainder in zip(self._layouts, remainders, strict=True)
            if remainder.complete and (remainder.control.kept or remainder.candidate.kept)
        ]
        tables = [(layout.control, layout.candidate) for layout in self._layouts]
        bind_what_both_know(leftovers, tables, self._control, self._candidate, self._terms.bindings)
        Pairing(leftovers, self._terms, self._settle, learning=learning).run()
        for leftover in leftovers:
            self._count_alone(leftover)
        notes, verdicts = self._onesided()
        for layout, remainder in zip(self._layouts, remainders, strict=True):
            verdicts.append(self._verdict(layout, remainder))
        ignored = tuple(IgnoredTable(name, reason) for name, reason in self._ignored.items())
        return StateVerdict(tuple(sorted(verdicts, key=lambda verdict: verdict.table)), ignored, tuple(notes))

    def differing(self) -> Mapping[Place, RowDifference]:
        """Where differences remain, with an example of each."""
        return {place: found for tally in self._tallies.values() for place, found in tally.places.items()}

    # --- equal rows --------------------------------------------------------------------------------------------------

    def _remainder(self, layout: Layout, translate: Callable[[str], str]) -> Remainder:
        """The rows without an equal.

        Where they are too many, rows are taken for equal if only what was made up for their key differs.
        """
        bindings = self._terms.bindings
        found = self._remainder_by(layout, readings(layout, bindings, translate))
        if not found.complete and layout.key:
            without = readings(layout, bindings, translate, with_made_up_keys=False)
            found = replace(self._remainder_by(layout, without), whole=False)
        return found

    def _remainder_by(self, layout: Layout, read: Mapping[str, tuple[Reading, Reading]]) -> Remainder:
        columns = layout.columns
        compared = [(at, *read[column]) for at, column in enumerate(columns) if column in read]

        def ours() -> Iterator[KeyedRow]:
            for row in self._control.rows(layout.control, columns):
                yield tuple([reading(row[at]) for at, reading, _ in compared]), row

        def theirs() -> Iterator[KeyedRow]:
            for row in self._candidate.rows(layout.candidate, columns):
                yield tuple([reading(row[at]) for at, _, reading in compared]), row

        return find_remainder(ours, theirs, self._most_rows)

    # --- the other rows ----------------------------------------------------------------------------------------------

    def _leftover(self, layout: Layout, remainder: Remainder, learning: bool) -> Leftover:
        route = table_route(layout.name)
        for column, scope in layout.scopes.items():
            self._knowledge.learn_numbering(route, column_location(column), scope)
        terms = self._terms
        context = Context(
            route, terms.bindings, terms.clock, self._knowledge, self._control.taken, self._candidate.taken, learning
        )
        ours, theirs = (
            [record(list(layout.columns), row) for row in side.kept]
            for side in (remainder.control, remainder.candidate)
        )
        return Leftover(layout, context, (ours, theirs))

    def _settle(self, leftover: Leftover, ours: int, theirs: int) -> None:
        settle(leftover, ours, theirs, self._tallies[leftover.layout.name])

    def _count_alone(self, leftover: Leftover) -> None:
        tally = self._tallies[leftover.layout.name]
        for side, kind in ((0, Kind.MISSING), (1, Kind.ADDED)):
            for at in leftover.open[side]:
                tally.alone(leftover.rows[side][at], kind)

    def _verdict(self, layout: Layout, remainder: Remainder) -> TableVerdict:
        tally, ours, theirs = self._tallies[layout.name], remainder.control, remainder.candidate
        note = ""
        many = f"more than {self._most_rows:,} rows have no equal"
        if not remainder.complete:
            tally.too_many(max(ours.left, theirs.left))
            note = f"{many}, {ours.left:,} of control and {theirs.left:,} of candidate: counted, not looked at"
        elif not remainder.whole:
            note = f"{many}: they were compared without what was made up for {', '.join(layout.key)}"
        return tally.verdict(ours.rows, theirs.rows, ours.rows - ours.left, note)

    # --- what only one side has --------------------------------------------------------------------------------------

    def _onesided(self) -> tuple[list[str], list[TableVerdict]]:
        notes: list[str] = []
        verdicts: list[TableVerdict] = []
        for layout in self._layouts:
            needed, note = new_columns(layout)
            for difference in (*needed, *lost_columns(self._control, layout)):
                self._tallies[layout.name].pair([difference])
            notes += [note] if note else []
        notes += [new_table(self._candidate, table) for name, table in self._theirs.items() if name not in self._ours]
        for name, table in self._ours.items():
            if name not in self._theirs:
                tally = Tally(table.name, _key_of(table), self._bench)
                verdicts.append(lost_table(self._control, table, tally))
        return notes, verdicts


def _key_of(table: Table) -> list[str]:
    return [table.columns[name].name for name in table.key]
