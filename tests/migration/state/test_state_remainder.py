"""Finding the rows that have no equal, in little memory."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from migration.state.remainder import KeyedRow, Remainder, find_remainder
from tests.support.databases import Bench, counts, places

values = st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["", "1", "None", "ü"]))
rows = st.lists(st.tuples(values, values), max_size=30)


def remainder(control: list[tuple], candidate: list[tuple], most: int = 1000) -> Remainder:
    def keyed(side: list[tuple]) -> list[KeyedRow]:
        return [(row, row) for row in side]

    return find_remainder(lambda: keyed(control), lambda: keyed(candidate), most)


@given(rows, rows)
def test_it_is_the_difference_of_two_multisets(control: list[tuple], candidate: list[tuple]) -> None:
    found = remainder(control, candidate)
    ours, theirs = Counter(map(repr, control)), Counter(map(repr, candidate))
    assert Counter(map(repr, found.control.kept)) == ours - theirs
    assert Counter(map(repr, found.candidate.kept)) == theirs - ours
    assert (found.control.rows, found.candidate.rows) == (len(control), len(candidate))


def test_what_is_compared_need_not_be_the_whole_row() -> None:
    found = find_remainder(lambda: [(("a",), (1, "a"))], lambda: [(("a",), (9, "a")), (("b",), (10, "b"))], 5)
    assert (found.control.kept, found.candidate.kept) == ([], [(10, "b")])


def test_too_many_rows_are_counted_and_not_kept() -> None:
    found = remainder([(n, n) for n in range(50)], [(-n, n) for n in range(7, 40)], most=40)
    assert not found.complete
    assert (found.control.left, found.candidate.left) == (50, 33)
    assert found.control.kept == found.candidate.kept == []


def test_a_table_with_too_many_differences_says_so(bench: Bench) -> None:
    bench.both("CREATE TABLE facts (name TEXT, value INTEGER)", "CREATE TABLE names (name TEXT PRIMARY KEY)")
    bench.both("INSERT INTO names VALUES ('a')")
    for side, shift in ((bench.on_control, 0), (bench.on_candidate, 1000)):
        side(*(f"INSERT INTO facts VALUES ('f{n}', {n + shift})" for n in range(30)))
    verdict = bench.compare(most_rows=20)
    assert counts(verdict) == {"facts": (0, 0, 30), "names": (1, 0, 0)}
    (facts, _) = verdict.tables
    assert facts.found == 30
    assert "more than 20, so they were counted and not looked at" in facts.note
    assert set(places(bench.compare(most_rows=30))) == {("facts", "value", "value")}
