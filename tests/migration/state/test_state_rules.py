"""Differences between databases that are accepted, set aside, or no differences at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.compare.registry import Registry, RegistryError, read_registry
from migration.compare.verdict import Difference, Kind
from tests.support.databases import Bench, counts, places

WORDS = 'change = "c"\nreason = "r"\nowner = "o"\nexpires = "permanent"\n'
ITEMS = "CREATE TABLE items (name TEXT PRIMARY KEY, price REAL, stock INTEGER, facts JSON)"


def registry(tmp_path: Path, *entries: str) -> Registry:
    path = tmp_path / "accepted.toml"
    path.write_text("\n".join(entries))
    return read_registry([path])


def rule(*lines: str) -> str:
    return "\n".join(["[[rule]]", *lines, WORDS])


def place(*lines: str) -> str:
    return "\n".join(["[[place]]", *lines, 'reason = "r"'])


@pytest.fixture
def items(bench: Bench) -> Bench:
    """Two items that differ in their prices, one that candidate lost, and one that it made up."""
    bench.both(ITEMS, "INSERT INTO items VALUES ('tea', 1.5, 2, '{\"from\": \"Assam\"}'), ('cup', 3, 4, NULL)")
    bench.on_control("INSERT INTO items VALUES ('pot', 9, 1, NULL)")
    bench.on_candidate("UPDATE items SET price = price + 1", "INSERT INTO items VALUES ('jam', 2, 0, NULL)")
    return bench


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        (['column = "price"'], [("items", "added row"), ("items", "missing row")]),
        (['column = "*"'], [("items", "added row"), ("items", "missing row")]),
        (['column = "price"', "control = 1.5"], [("items", "added row"), ("items", "missing row"), ("items", "price")]),
        (['row = "missing"'], [("items", "added row"), ("items", "price"), ("items", "price")]),
        (
            ['row = "added"', 'candidate = \'*"name":"jam"*\''],
            [("items", "missing row"), ("items", "price"), ("items", "price")],
        ),
        (['row = "added"', 'candidate = \'*"name":"pot"*\''], None),
        (['column = "stock"'], None),
        (['column = "price"', 'recording = "other"'], None),
        (['column = "price"', 'expires = "2020-01-01"'], None),
    ],
)
def test_a_rule_accepts_no_more_than_it_says(
    items: Bench, tmp_path: Path, lines: list[str], left: list[tuple[str, str]] | None
) -> None:
    words = WORDS.replace('expires = "permanent"\n', "") if any("expires" in line for line in lines) else WORDS
    entry = "\n".join(["[[rule]]", 'table = "items"', *lines, words])
    everything = [("items", "added row"), ("items", "missing row"), ("items", "price"), ("items", "price")]
    verdict = items.compare(registry=registry(tmp_path, entry), recording="mine")
    assert [(table, where) for table, where, _ in places(verdict)] == (everything if left is None else left)


def test_accepted_rows_are_counted_with_their_rule(items: Bench, tmp_path: Path) -> None:
    known = registry(tmp_path, rule('table = "it*"', 'column = "price"'), rule('table = "*"', 'row = "missing"'))
    verdict = items.compare(registry=known)
    assert counts(verdict) == {"items": (0, 3, 1)}
    assert [(row.rule.place, row.count) for row in verdict.tables[0].explained] == [("price", 2), ("missing row", 1)]


def test_rules_on_routes_and_rules_on_tables_leave_each_other_alone(items: Bench, tmp_path: Path) -> None:
    on_routes = registry(
        tmp_path, rule('route = "*"', 'location = "*"'), place('route = "*"', 'location = "*"', 'is = "noise"')
    )
    assert len(places(items.compare(registry=on_routes))) == 4
    on_tables = registry(tmp_path, rule('table = "*"', 'column = "*"'))
    answer = Difference("body.price", Kind.VALUE, 1, 2)
    assert on_tables.explain("GET /items", "mine", True, answer) is None


@pytest.mark.parametrize("kind", ["noise", "form"])
def test_a_place_tells_how_a_column_is_compared(items: Bench, tmp_path: Path, kind: str) -> None:
    known = registry(tmp_path, place('table = "items"', 'column = "price"', f'is = "{kind}"'))
    assert [where for _, where, _ in places(items.compare(registry=known))] == ["added row", "missing row"]


def test_generated_columns_are_bound(bench: Bench, tmp_path: Path) -> None:
    bench.both(
        "CREATE TABLE orders (ref TEXT PRIMARY KEY, customer TEXT)",
        "CREATE TABLE notes (order_ref TEXT REFERENCES orders (ref), text TEXT)",
    )
    bench.on_control("INSERT INTO orders VALUES ('or-1x', 'ann')", "INSERT INTO notes VALUES ('or-1x', 'for or-1x')")
    bench.on_candidate("INSERT INTO orders VALUES ('or-7q', 'ann')", "INSERT INTO notes VALUES ('or-7q', 'for or-7q')")
    assert len(places(bench.compare())) > 0
    known = registry(tmp_path, place('table = "orders"', 'column = "ref"', 'is = "generated"'))
    assert places(bench.compare(registry=known)) == []


def test_times_gone_by(bench: Bench, tmp_path: Path) -> None:
    bench.both("CREATE TABLE runs (name TEXT PRIMARY KEY, lasted REAL)")
    bench.on_control("INSERT INTO runs VALUES ('a', 1.5), ('b', 2)")
    bench.on_candidate("INSERT INTO runs VALUES ('a', 1.51), ('b', 3)")
    known = registry(tmp_path, place('table = "runs"', 'column = "lasted"', 'is = "elapsed"', "unit = 2"))
    assert places(bench.compare(registry=known)) == []
    bench.on_candidate("UPDATE runs SET lasted = 40 WHERE name = 'b'")
    assert places(bench.compare(registry=known)) == [("runs", "lasted", "value")]


def test_json_is_compared_member_by_member(items: Bench) -> None:
    items.on_candidate('UPDATE items SET facts = \'{ "from": "Ceylon", "leaf": true }\' WHERE name = \'tea\'')
    assert ("items", "facts.from", "value") in places(items.compare())
    assert ("items", "facts.leaf", "added") in places(items.compare())


def test_tables_of_tools_are_ignored_with_a_reason(bench: Bench, tmp_path: Path) -> None:
    for name in ("alembic_version", "cutover_routes", "job_leases", "chatter"):
        bench.both(f"CREATE TABLE {name} (x INTEGER)")
        bench.on_control(f"INSERT INTO {name} VALUES (1)")
    known = registry(tmp_path, place('table = "chatter"', 'column = "*"', 'is = "noise"'))
    verdict = bench.compare(registry=known)
    assert verdict.tables == ()
    ignored = {table.table: table.reason for table in verdict.ignored}
    assert ignored.keys() == {"alembic_version", "cutover_routes", "job_leases", "chatter"}
    assert ignored["chatter"] == "r"


def test_what_candidate_adds_is_told_and_is_no_difference(bench: Bench) -> None:
    bench.on_control("CREATE TABLE items (name TEXT)", "INSERT INTO items VALUES ('tea')")
    bench.on_candidate(
        "CREATE TABLE items (name TEXT, colour TEXT, size INTEGER NOT NULL DEFAULT 1)",
        "INSERT INTO items (name, colour) VALUES ('tea', 'green')",
        "CREATE TABLE shelves (name TEXT)",
    )
    verdict = bench.compare()
    assert verdict.equal
    assert verdict.notes == (
        "Only candidate has colour, size in the table items.",
        "Only candidate has the table shelves; rows in it: 0.",
    )


def test_what_candidate_lost_is_a_difference(bench: Bench) -> None:
    bench.on_control(
        "CREATE TABLE items (name TEXT, colour TEXT, unused TEXT)",
        "INSERT INTO items VALUES ('tea', 'green', NULL)",
        "CREATE TABLE shelves (name TEXT)",
        "INSERT INTO shelves VALUES ('upper'), ('lower')",
        "CREATE TABLE empty (name TEXT)",
    )
    bench.on_candidate("CREATE TABLE items (name TEXT)", "INSERT INTO items VALUES ('tea')")
    assert places(bench.compare()) == [
        ("items", "colour", "missing"),
        ("shelves", "missing row", "missing"),
        ("shelves", "missing row", "missing"),
    ]


def test_a_column_without_which_control_can_not_write_is_a_difference(bench: Bench) -> None:
    bench.on_control("CREATE TABLE items (name TEXT)")
    bench.on_candidate("CREATE TABLE items (name TEXT, colour TEXT NOT NULL)")
    assert places(bench.compare()) == [("items", "colour", "added")]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (rule('table = "items"'), "lacks column"),
        (rule('table = "items"', 'column = "x"', 'route = "GET /x"'), "unknown keys: route"),
        (rule('table = "items"', 'column = "x"', 'when = "live"'), "unknown keys: when"),
        (rule('table = "items"', 'row = "twice"'), "row must be missing or added"),
        (
            place('table = "items"', 'column = "x"', 'is = "position"'),
            "is must be one of noise, form, elapsed, generated",
        ),
        (place('table = "items"', 'location = "x"', 'is = "noise"'), "lacks column"),
    ],
)
def test_entries_that_are_wrong_are_refused(tmp_path: Path, entry: str, words: str) -> None:
    with pytest.raises(RegistryError, match=words):
        registry(tmp_path, entry)
