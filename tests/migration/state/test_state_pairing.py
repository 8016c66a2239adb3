"""Rows of two databases belong together by what they say, whatever numbers and identifiers they go by."""

from __future__ import annotations

from uuid import uuid4

import pytest

from migration.compare.bindings import Bindings
from migration.compare.times import Clock
from migration.state.terms import Terms
from tests.support.databases import Bench, counts, places

SHOP = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, note TEXT)",
    "CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders (id), sku TEXT, price REAL)",
)


def orders(first: int, *named: tuple[str, list[str]]) -> list[str]:
    """Orders with lines; numbers begin at ``first``, in the order given."""
    statements, number = [], first
    for at, (customer, skus) in enumerate(named, first):
        statements.append(f"INSERT INTO orders VALUES ({at}, '{customer}', NULL)")
        for sku in skus:
            statements.append(f"INSERT INTO lines VALUES ({number}, {at}, '{sku}', 9.99)")
            number += 1
    return statements


def test_numbers_may_begin_elsewhere_and_rows_come_in_any_order(bench: Bench) -> None:
    bench.both(*SHOP)
    bench.on_control(*orders(1, ("ann", ["tea", "cup"]), ("bob", ["jam"])))
    bench.on_candidate(*orders(70, ("bob", ["jam"]), ("ann", ["cup", "tea"])))
    verdict = bench.compare()
    assert places(verdict) == []
    assert counts(verdict) == {"lines": (3, 0, 0), "orders": (2, 0, 0)}


def test_rows_that_look_the_same_are_told_apart_by_those_that_refer_to_them(bench: Bench) -> None:
    bench.both(*SHOP)
    bench.on_control(*orders(1, ("ann", ["tea", "cup"]), ("ann", ["tea", "jam"]), ("ann", ["pot"])))
    bench.on_candidate(*orders(5, ("ann", ["pot"]), ("ann", ["tea", "jam"]), ("ann", ["tea", "cup"])))
    assert places(bench.compare()) == []


def test_several_rows_of_one_parent_stay_together(bench: Bench) -> None:
    bench.both(*SHOP)
    bench.on_control(*orders(1, ("ann", ["tea", "tea"]), ("ann", ["tea", "tea"])))
    bench.on_candidate(
        *orders(8, ("ann", ["tea", "tea"]), ("ann", [])),
        "INSERT INTO lines VALUES (98, 9, 'tea', 9.99), (99, 9, 'tea', 9.99)",
    )
    assert places(bench.compare()) == []
    bench.on_candidate("UPDATE lines SET order_id = 8 WHERE id = 99")
    assert places(bench.compare()) == [("lines", "order_id", "binding")]


def test_a_reference_to_another_row_is_a_difference(bench: Bench) -> None:
    bench.both(*SHOP)
    named = ("ann", ["tea", "cup"]), ("bob", ["jam"])
    bench.on_control(*orders(1, *named))
    bench.on_candidate(*orders(50, *named), "UPDATE lines SET order_id = 51 WHERE sku = 'cup'")
    assert places(bench.compare()) == [("lines", "order_id", "binding")]


def test_a_reference_without_a_foreign_key_is_known_by_its_name(bench: Bench) -> None:
    bench.both(SHOP[0], "CREATE TABLE payments (id INTEGER PRIMARY KEY, order_id INTEGER, amount INTEGER)")
    bench.on_control("INSERT INTO orders VALUES (1, 'ann', NULL)", "INSERT INTO payments VALUES (1, 1, 5)")
    bench.on_candidate("INSERT INTO orders VALUES (4, 'ann', NULL)", "INSERT INTO payments VALUES (1, 4, 5)")
    assert places(bench.compare()) == []


def test_identifiers_that_no_answer_showed_are_bound_by_content(bench: Bench) -> None:
    bench.both(
        "CREATE TABLE agents (id CHAR(36) PRIMARY KEY, name TEXT)",
        "CREATE TABLE events (id CHAR(36) PRIMARY KEY, text TEXT, agent_id CHAR(36))",
    )
    swapped = {}
    for side, names in ((bench.on_control, ("a", "b")), (bench.on_candidate, ("b", "a"))):
        for name in names:
            agent = str(uuid4())
            swapped[name] = agent
            side(
                f"INSERT INTO agents VALUES ('{agent}', '{name}')",
                f"INSERT INTO events VALUES ('{uuid4()}', 'agent {agent} is up', '{agent}')",
            )
    assert places(bench.compare()) == []
    bench.on_candidate(f"UPDATE events SET agent_id = '{swapped['b']}' WHERE agent_id = '{swapped['a']}'")
    assert places(bench.compare()) == [("events", "agent_id", "binding")]


def test_identifiers_that_both_sides_were_given_mean_themselves(bench: Bench) -> None:
    mine, other = uuid4(), uuid4()
    bench.both(
        "CREATE TABLE machines (id CHAR(36) PRIMARY KEY)",
        "CREATE TABLE tasks (name TEXT PRIMARY KEY, machine_id CHAR(36))",
        f"INSERT INTO machines VALUES ('{mine}'), ('{other}')",
        f"INSERT INTO tasks VALUES ('boil', '{mine}')",
    )
    bench.on_candidate(f"UPDATE tasks SET machine_id = '{other}'")
    assert places(bench.compare()) == [("tasks", "machine_id", "binding")]


def test_answers_say_which_row_is_which(bench: Bench) -> None:
    """Two rows that say the same, of which the wrong one was written."""
    ours, theirs = [str(uuid4()) for _ in range(2)], [str(uuid4()) for _ in range(2)]
    bench.both("CREATE TABLE jobs (id CHAR(36) PRIMARY KEY, state TEXT)")
    bench.on_control(f"INSERT INTO jobs VALUES ('{ours[0]}', 'done'), ('{ours[1]}', 'open')")
    bench.on_candidate(f"INSERT INTO jobs VALUES ('{theirs[0]}', 'open'), ('{theirs[1]}', 'done')")
    assert places(bench.compare()) == []
    bindings = Bindings()
    for control, candidate in zip(ours, theirs, strict=True):
        bindings.match(control, candidate)
    assert places(bench.compare(Terms(bindings))) == [("jobs", "state", "value"), ("jobs", "state", "value")]


def test_a_guess_that_a_list_suggested_gives_way_to_what_rows_say(bench: Bench) -> None:
    ours, theirs = [str(uuid4()) for _ in range(2)], [str(uuid4()) for _ in range(2)]
    bench.both("CREATE TABLE jobs (id CHAR(36) PRIMARY KEY, state TEXT)")
    bench.on_control(f"INSERT INTO jobs VALUES ('{ours[0]}', 'done'), ('{ours[1]}', 'open')")
    bench.on_candidate(f"INSERT INTO jobs VALUES ('{theirs[0]}', 'open'), ('{theirs[1]}', 'done')")
    bindings = Bindings()
    with bindings.guessing():
        for control, candidate in zip(ours, theirs, strict=True):
            bindings.match(control, candidate)
    assert places(bench.compare(Terms(bindings))) == []


def test_a_guess_that_was_sent_is_none_any_more(bench: Bench) -> None:
    ours, theirs = [str(uuid4()) for _ in range(2)], [str(uuid4()) for _ in range(2)]
    bench.both("CREATE TABLE jobs (id CHAR(36) PRIMARY KEY, state TEXT)")
    bench.on_control(f"INSERT INTO jobs VALUES ('{ours[0]}', 'done'), ('{ours[1]}', 'open')")
    bench.on_candidate(f"INSERT INTO jobs VALUES ('{theirs[0]}', 'open'), ('{theirs[1]}', 'done')")
    bindings = Bindings()
    with bindings.guessing():
        for control, candidate in zip(ours, theirs, strict=True):
            bindings.match(control, candidate)
    assert bindings.translate(f"/jobs/{ours[0]}/finish") == f"/jobs/{theirs[0]}/finish"
    assert ("jobs", "state", "value") in places(bench.compare(Terms(bindings)))


@pytest.mark.parametrize(
    ("late", "found"), [(3, []), (3600, [("visits", "came_at", "time")])], ids=["a moment", "an hour"]
)
def test_times_are_compared_by_their_distance_to_the_run(
    bench: Bench, late: int, found: list[tuple[str, str, str]]
) -> None:
    bench.both("CREATE TABLE visits (id INTEGER PRIMARY KEY, who TEXT, came_at TIMESTAMP)")
    for at, who in enumerate(("ann", "bob", "ann")):
        bench.on_control(f"INSERT INTO visits VALUES ({at}, '{who}', datetime('2026-11-21 08:00:00', '+{at} minutes'))")
    bench.on_candidate(
        "INSERT INTO visits VALUES (5, 'ann', '2026-11-21T08:00:01'), (6, 'bob', '2026-11-21 08:01:00.52')",
        f"INSERT INTO visits VALUES (7, 'ann', datetime('2026-11-21 08:02:00', '+{late} seconds'))",
    )
    assert places(bench.compare()) == found


def test_clocks_that_started_apart(bench: Bench) -> None:
    bench.both("CREATE TABLE visits (who TEXT, came_at TIMESTAMP)")
    bench.on_control("INSERT INTO visits VALUES ('ann', '2026-11-21 08:00:00')")
    bench.on_candidate("INSERT INTO visits VALUES ('ann', '2026-11-21 09:10:00')")
    clock = Clock()
    clock.observe(1000.0, 1000.0 + 4200.0)
    assert places(bench.compare(Terms(clock=clock))) == []


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        (["08:10", "08:20"], ["09:30"], ("missing", "2026-11-21 08:10:00")),
        (["08:20"], ["09:20", "09:30"], ("added", "2026-11-21 09:20:00")),
    ],
)
def test_rows_of_clocks_that_started_apart_are_paired_by_their_moments(
    bench: Bench, control: list[str], candidate: list[str], found: tuple[str, str]
) -> None:
    """A moment that neither side knows is the same on any clocks."""
    bench.both("CREATE TABLE visits (id INTEGER PRIMARY KEY, who TEXT, came_at TIMESTAMP, left_at TIMESTAMP)")
    for add, times in ((bench.on_control, control), (bench.on_candidate, candidate)):
        add(*(f"INSERT INTO visits VALUES ({n}, 'ann', '2026-11-21 {at}:00', NULL)" for n, at in enumerate(times)))
    clock = Clock()
    clock.observe(1000.0, 1000.0 + 4200.0)
    (table,) = bench.compare(Terms(clock=clock)).tables
    (alone,) = table.differences
    row = alone.control if alone.row == "missing" else alone.candidate
    assert (alone.row, row["came_at"]) == found


def test_of_many_rows_that_differ_by_their_times_the_lost_one_is_missing(bench: Bench) -> None:
    bench.both("CREATE TABLE beats (id INTEGER PRIMARY KEY, who TEXT, at TIMESTAMP)")
    for url in (bench.on_control, bench.on_candidate):
        url(*(f"INSERT INTO beats VALUES ({n}, 'ann', datetime('2026-11-21', '+{n} minutes'))" for n in range(60)))
    bench.on_candidate("DELETE FROM beats WHERE id = 30", "UPDATE beats SET at = datetime(at, '+2 seconds')")
    verdict = bench.compare()
    (missing,) = next(table for table in verdict.tables if table.table == "beats").differences
    assert (missing.row, missing.control["at"]) == ("missing", "2026-11-21 00:30:00")


def test_of_rows_that_changed_those_of_the_same_moments_belong_together(bench: Bench) -> None:
    bench.both("CREATE TABLE beats (id INTEGER PRIMARY KEY, who TEXT, state TEXT, at TIMESTAMP)")
    for minute in (10, 30, 40):
        bench.on_control(
            f"INSERT INTO beats VALUES ({minute}, 'ann', 'up', datetime('2026-11-21', '+{minute} minutes'))"
        )
    for minute in (10, 20, 30, 40):
        bench.on_candidate(
            f"INSERT INTO beats VALUES ({minute}, 'ann', 'ok', datetime('2026-11-21', '+{minute} minutes'))"
        )
    assert places(bench.compare()) == [("beats", "added row", "added"), *3 * [("beats", "state", "value")]]


def test_of_rows_that_are_alike_the_one_with_the_same_moments_is_the_partner(bench: Bench) -> None:
    """Whether a moment is known tells more than which row comes first."""
    bench.both(
        "CREATE TABLE notices (id INTEGER PRIMARY KEY, who TEXT, kind TEXT, ready INTEGER, done INTEGER, at TIMESTAMP,"
        " ends_at TIMESTAMP)"
    )
    at = "'2026-11-21 08:00:00'"
    bench.on_control(f"INSERT INTO notices VALUES (1, 'ann', 'end', 1, 1, {at}, NULL)")
    bench.on_candidate(
        "INSERT INTO notices VALUES (1, 'ann', 'end', 0, 0, '2026-11-21 07:59:59', '2026-11-21 15:00:00')",
        f"INSERT INTO notices VALUES (2, 'ann', 'end', 0, 0, {at}, NULL)",
        f"INSERT INTO notices VALUES (3, 'ann', 'end', 0, 0, {at}, '2026-11-21 08:02:00')",
    )
    assert places(bench.compare()) == [
        *2 * [("notices", "added row", "added")],
        ("notices", "done", "value"),
        ("notices", "ready", "value"),
    ]


def test_a_value_that_is_wrong_everywhere_is_found_in_its_column_alone(bench: Bench) -> None:
    bench.both("CREATE TABLE prices (id INTEGER PRIMARY KEY, pool TEXT, at INTEGER, price DECIMAL(10,6))")
    rows = [f"INSERT INTO prices VALUES ({n}, 'pool-{n % 7}', {n}, 0.0{n}11)" for n in range(10, 310)]
    bench.both(*rows)
    bench.on_candidate("UPDATE prices SET id = id + 5000, price = round(price, 3)")
    verdict = bench.compare()
    assert set(places(verdict)) == {("prices", "price", "value")}


def test_rows_that_have_little_in_common_are_not_one_row_that_changed(bench: Bench) -> None:
    bench.both(
        "CREATE TABLE events (id INTEGER PRIMARY KEY, kind TEXT, client TEXT, agent TEXT, text TEXT, severity TEXT)"
    )
    bench.on_control("INSERT INTO events VALUES (1, 'started', NULL, NULL, 'engine started', 'info')")
    bench.on_candidate("INSERT INTO events VALUES (1, 'issued', 'c', NULL, 'command issued', 'info')")
    assert places(bench.compare()) == [("events", "added row", "added"), ("events", "missing row", "missing")]


def test_rows_are_known_by_their_unique_columns(bench: Bench) -> None:
    bench.both("CREATE TABLE clients (id CHAR(36) PRIMARY KEY, email TEXT UNIQUE, name TEXT, plan TEXT, seats INTEGER)")
    bench.on_control(f"INSERT INTO clients VALUES ('{uuid4()}', 'a@x.org', 'Ann', 'free', 1)")
    bench.on_candidate(f"INSERT INTO clients VALUES ('{uuid4()}', 'a@x.org', 'Bob', 'gold', 9)")
    assert places(bench.compare()) == [("clients", column, "value") for column in ("name", "plan", "seats")]


def test_a_number_that_answers_showed_says_nothing_of_a_version(bench: Bench) -> None:
    bench.both("CREATE TABLE engines (name TEXT PRIMARY KEY, version TEXT)")
    bench.on_control("INSERT INTO engines VALUES ('ml', '1.0.0')")
    bench.on_candidate("INSERT INTO engines VALUES ('ml', '2.0.0')")
    terms = Terms(minted=lambda value: value in ("1", "2"))
    assert places(bench.compare(terms)) == [("engines", "version", "value")]
