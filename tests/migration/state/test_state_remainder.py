"""Finding the rows that have no equal, in little memory."""

from __future__ import annotations

from collections import Counter
from uuid import uuid4

import pytest
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
    said = "more than 20 rows have no equal, 30 of control and 30 of candidate: counted, not looked at"
    assert facts.note == said
    assert set(places(bench.compare(most_rows=30))) == {("facts", "value", "value")}


@pytest.mark.parametrize("key", ["id INTEGER PRIMARY KEY", "id CHAR(36) PRIMARY KEY"])
def test_of_too_many_rows_keys_that_were_made_up_are_left_out(bench: Bench, key: str) -> None:
    bench.both(f"CREATE TABLE facts ({key}, name TEXT)", "CREATE TABLE notes (facts_id INTEGER REFERENCES facts (id))")
    for side, shift in ((bench.on_control, 0), (bench.on_candidate, 1000)):
        made_up = [n + shift if "INTEGER" in key else f"'{uuid4()}'" for n in range(30)]
        side(*(f"INSERT INTO facts VALUES ({number}, 'f{n}')" for n, number in enumerate(made_up)))
    bench.on_candidate("UPDATE facts SET name = 'other' WHERE name = 'f7'")
    verdict = bench.compare(most_rows=20)
    assert places(verdict) == [("facts", "name", "value")]
    assert (
        verdict.tables[0].note == "more than 20 rows have no equal: they were compared without what was made up for id"
    )


def test_of_too_many_rows_other_keys_still_count(bench: Bench) -> None:
    bench.both("CREATE TABLE facts (name TEXT PRIMARY KEY)")
    for side, word in ((bench.on_control, "f"), (bench.on_candidate, "g")):
        side(*(f"INSERT INTO facts VALUES ('{word}{n}')" for n in range(30)))
    assert counts(bench.compare(most_rows=20)) == {"facts": (0, 0, 30)}
