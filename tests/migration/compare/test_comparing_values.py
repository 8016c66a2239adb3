"""Two JSON answers are equal up to bindings and clocks; everything else is a difference at its place."""

from __future__ import annotations

import uuid

import pytest

from migration.compare.registry import Place, PlaceKind
from tests.support.comparing import ROUTE, Bench

A, B, X, Y = (str(uuid.uuid4()) for _ in range(4))


def test_equal_values_in_another_order_of_keys() -> None:
    assert Bench().values({"a": 1, "b": [True, None]}, {"b": [True, None], "a": 1}) == []


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ({"a": 1}, {}, [("body.a", "missing")]),
        ({}, {"a": 1}, [("body.a", "added")]),
        ({"a": 1}, {"a": 2}, [("body.a", "value")]),
        ({"a": 1}, {"a": True}, [("body.a", "type")]),
        ({"a": 1}, {"a": 1.0}, [("body.a", "type")]),
        ({"a": None}, {"a": "x"}, [("body.a", "type")]),
        ({"a": 0.0125}, {"a": 0.013}, [("body.a", "value")]),
        ({"a": {"b c": "x"}}, {"a": {"b c": "y"}}, [('body.a["b c"]', "value")]),
        ([1, 2], [1, 2, 3], [("body[2]", "added")]),
        ([1, 2, 3], [1, 2], [("body[2]", "missing")]),
        ([1, 2], [2, 1], [("body[0]", "value"), ("body[1]", "value")]),
        ({"a": [1]}, {"a": {"b": 1}}, [("body.a", "type")]),
        ("x", ["x"], [("body", "type")]),
    ],
)
def test_differences_have_a_place_and_a_kind(control: object, candidate: object, found: list) -> None:
    assert Bench().values(control, candidate) == found


def test_generated_values_are_bound_one_to_one() -> None:
    bench = Bench()
    assert bench.values({"id": A}, {"id": X}) == []
    assert bench.values({"id": A, "by": B}, {"id": X, "by": Y}) == []
    assert bench.values({"id": A}, {"id": Y}) == [("body.id", "binding")]
    assert bench.values({"id": B}, {"id": X}) == [("body.id", "binding")]


def test_bindings_hold_inside_longer_texts_and_keys() -> None:
    bench = Bench()
    assert bench.values({"id": A}, {"id": X}) == []
    assert bench.values({"m": f"agent {A} is gone", f"k-{A}": 1}, {"m": f"agent {X} is gone", f"k-{X}": 1}) == []
    assert bench.values({"m": f"agent {A} is gone"}, {"m": f"agent {Y} is gone"}) == [("body.m", "binding")]
    assert bench.values({"m": f"agent {A} is gone"}, {"m": f"agent {X} has left"}) == [("body.m", "value")]


def test_what_both_sides_share_is_itself() -> None:
    bench = Bench()
    assert bench.values([{"id": A}, {"id": B}], [{"id": A}, {"id": B}]) == []
    assert bench.values({"owner": A}, {"owner": B}) == [("body.owner", "binding")]


def test_controls_own_identifier_at_candidate_is_a_wrong_one() -> None:
    bench = Bench()
    assert bench.values({"id": A}, {"id": X}) == []
    assert bench.values({"id": A}, {"id": A}) == [("body.id", "binding")]


def test_identifiers_of_unknown_form_are_bound_where_they_flow() -> None:
    bench = Bench(minted=lambda value: value in ("ord_1a", "ord_2b"))
    assert bench.values({"ref": "ord_1a", "m": "see ord_1a!"}, {"ref": "ord_9z", "m": "see ord_9z!"}) == []
    assert bench.values({"ref": "ord_2b"}, {"ref": "ord_9z"}) == [("body.ref", "binding")]
    assert Bench().values({"ref": "ord_1a"}, {"ref": "ord_9z"}) == [("body.ref", "value")]


def test_numbers_are_bound_in_what_they_number() -> None:
    bench = Bench()
    bench.knowledge.learn_numbered("order")
    assert bench.values({"id": 7, "user_id": 3}, {"id": 107, "user_id": 3}, "POST /orders") == []
    assert bench.values({"order_id": 7}, {"order_id": 107}, "GET /bills") == []
    assert bench.values({"order_id": 7}, {"order_id": 108}, "GET /bills") == [("body.order_id", "binding")]
    assert bench.values({"user_id": 3}, {"user_id": 4}, "GET /bills") == [("body.user_id", "value")]


def test_records_are_paired_by_content_before_their_ids_are_bound() -> None:
    bench = Bench()
    control = [{"id": A, "name": "a", "at": "2026-11-21T03:00:00"}, {"id": B, "name": "b", "at": "2026-11-21T03:00:00"}]
    candidate = [
        {"id": Y, "name": "b", "at": "2026-11-21T03:00:00"},
        {"id": X, "name": "a", "at": "2026-11-21T03:00:00"},
    ]
    assert bench.values(control, candidate) == []
    assert (bench.bindings.candidate_of(A), bench.bindings.candidate_of(B)) == (X, Y)


def test_records_of_different_seconds_have_an_order() -> None:
    control = [{"n": 1, "at": "2026-11-21T03:00:00"}, {"n": 2, "at": "2026-11-21T02:00:00"}]
    assert Bench().values(control, control[::-1]) == [("body", "order")]


@pytest.mark.parametrize(("removed", "place"), [(0, "body[0]"), (2, "body[2]")])
def test_a_record_that_is_missing(removed: int, place: str) -> None:
    control = [{"name": name, "size": size} for name, size in (("a", 1), ("b", 2), ("c", 3))]
    candidate = control[:removed] + control[removed + 1 :]
    assert Bench().values(control, candidate) == [(place, "missing")]


def test_a_record_that_changed_is_one_record() -> None:
    control = [{"name": "a", "size": 1, "on": True}, {"name": "b", "size": 2, "on": True}]
    candidate = [{"name": "b", "size": 2, "on": False}, {"name": "a", "size": 1, "on": True}]
    assert ("body[1].on", "value") in Bench().values(control, candidate)


@pytest.mark.parametrize(
    ("candidate", "found"),
    [
        ("2026-11-21T02:59:58", []),
        ("2026-11-21T01:59:58", [("body.at", "time")]),
        ("2026-11-21T02:59:58Z", [("body.at", "time")]),
        ("2026-11-21 02:59:58", [("body.at", "time")]),
        ("2026-11-21T02:59:58.123456", [("body.at", "time")]),
    ],
)
def test_times_agree_in_moment_and_form(candidate: str, found: list) -> None:
    assert Bench().values({"at": "2026-11-21T02:59:59"}, {"at": candidate}) == found


def test_times_on_a_clock_that_is_a_day_late() -> None:
    bench = Bench(candidate_late=86_400.0)
    assert bench.values({"at": "2026-11-21T02:59:59Z"}, {"at": "2026-11-22T02:59:59Z"}) == []
    assert bench.values({"on": "2026-11-20"}, {"on": "2026-11-21"}) == []
    assert bench.values({"at": "2026-11-21T02:59:59Z"}, {"at": "2026-11-21T02:59:59Z"}) == []
    assert bench.values({"at": "2026-11-21T02:59:59Z"}, {"at": "2026-11-22T03:59:59Z"}) == [("body.at", "time")]


def test_epoch_seconds_and_milliseconds_are_times() -> None:
    bench = Bench(candidate_late=100.0)
    assert bench.values({"s": 1_795_230_000}, {"s": 1_795_230_101}) == []
    assert bench.values({"ms": 1_795_230_000_000}, {"ms": 1_795_230_100_500}) == []
    assert bench.values({"s": 1_795_230_000}, {"s": 1_795_233_700}) == [("body.s", "value")]


@pytest.mark.parametrize(
    ("control", "candidate", "same"),
    [
        ("1048 (23000): Column 'id' cannot be null", "NOT NULL constraint failed: clients.id", True),
        ("1062 (23000): Duplicate entry 'x' for key 'email'", "UNIQUE constraint failed: clients.email", True),
        ("1054 (42S22): Unknown column 'x' in 'WHERE'", "1054 (42S22): Unknown column 'x' in 'where clause'", True),
        ("1406 (22001): Data too long for column 'a' at row 1", "1062 (23000): Duplicate entry 'x'", False),
        ("1048 (23000): Column 'id' cannot be null", "the id is missing", False),
    ],
)
def test_database_errors_are_compared_by_class(control: str, candidate: str, same: bool) -> None:
    assert (Bench().values({"error": control}, {"error": candidate}) == []) is same


def place(location: str, kind: PlaceKind, unit: float = 1.0) -> Place:
    return Place(ROUTE, location, kind, "for the test", unit)


def test_places_say_how_to_compare() -> None:
    bench = Bench(
        place("body.load", PlaceKind.NOISE),
        place("body.age", PlaceKind.ELAPSED),
        place("body.pool", PlaceKind.FORM),
        place("body.tags", PlaceKind.UNORDERED),
        place("body.hint", PlaceKind.UNORDERED),
        place("body.rows[].no", PlaceKind.POSITION),
        place("body.ref", PlaceKind.GENERATED),
    )
    control = {"load": 1, "age": 10, "tags": ["a", "b"], "hint": "a, b", "rows": [{"no": 1, "t": "x"}], "ref": "p q"}
    candidate = {"load": 9, "age": 12, "tags": ["b", "a"], "hint": "b, a", "rows": [{"no": 2, "t": "x"}], "ref": "r s"}
    assert bench.values(control, candidate) == []
    assert bench.noise == ["body.load"]
    assert bench.values({"pool": "9/10"}, {"pool": "10/10"}) == []
    assert bench.values({"pool": "9/10"}, {"pool": "all"}) == [("body.pool", "value")]
    assert bench.values({"pool": 9}, {"pool": 10}) == []
    assert bench.values({"pool": 9}, {"pool": 9.5}) == [("body.pool", "type")]
    assert bench.values({"age": 10}, {"age": 4000}) == [("body.age", "value")]
    assert bench.values({"tags": ["a", "b"]}, {"tags": ["a", "c"]}) != []
    assert bench.values({"ref": "p q"}, {"ref": "t u"}) == [("body.ref", "binding")]


def test_a_list_that_is_cut_inside_a_second() -> None:
    cut = place("body", PlaceKind.CUT)
    newer = {"t": "new", "at": "2026-11-21T02:59:50"}
    control = [newer, {"t": "a", "at": "2026-11-21T02:59:40"}, {"t": "b", "at": "2026-11-21T02:59:40"}]
    candidate = [newer, {"t": "b", "at": "2026-11-21T02:59:40"}, {"t": "c", "at": "2026-11-21T02:59:40"}]
    assert Bench(cut).values(control, candidate) == []
    assert Bench().values(control, candidate) != []
    assert Bench(cut).values(control, [candidate[1], candidate[2], {"t": "d", "at": "2026-11-21T02:59:40"}]) == [
        ("body[0]", "missing")
    ]


def lines(*written: str) -> list[dict[str, str]]:
    """``"loaded 40"``: a line and the second of its time."""
    return [{"text": line.split()[0], "at": f"2026-11-21T02:59:{line.split()[1]}"} for line in written]


@pytest.mark.parametrize(
    ("candidate", "found"),
    [
        (["loaded 57", "back 57", "loaded 54", "used 53", "made 50"], ["body[0]", "body[1]"]),
        (["loaded 56", "back 55", "used 53", "made 50"], ["body[0]", "body[1]", "body[4]"]),
        (["back 57", "loaded 54", "used 53", "made 50"], ["body[0]", "body[1]", "body[2]"]),
        (["back 57", "loaded 57", "loaded 54", "used 53", "made 50"], ["body[0]", "body[1]"]),
    ],
)
def test_of_lines_that_say_the_same_those_are_missing_that_fit_least(candidate: list[str], found: list[str]) -> None:
    """None of the others changes places with one that was taken for another."""
    control = lines("loaded 59", "loaded 58", "loaded 57", "back 57", "loaded 54", "used 53", "made 50")
    assert Bench().values(control, lines(*candidate)) == [(place, "missing") for place in found]
    assert {kind for _, kind in Bench().values(lines(*candidate), control)} == {"added"}


def test_a_line_that_says_the_same_is_known_by_its_time() -> None:
    control = lines("loaded 49", "loaded 40", "loaded 31", "loaded 22")
    assert Bench().values(control, [control[1], control[3]]) == [("body[0]", "missing"), ("body[2]", "missing")]


@pytest.mark.parametrize(
    ("second", "found"),
    [
        ("12", [("body[0].text", "value"), ("body[0].type", "value")]),
        ("52", [("body[0]", "missing"), ("body[1]", "added")]),
    ],
)
def test_another_line_of_another_time_is_another_line(second: str, found: list[tuple[str, str]]) -> None:
    bench = Bench(place("body[].id", PlaceKind.POSITION))
    control = [{"id": 1, "type": "event", "text": "engine loaded", "time": "2026-11-21T02:59:10"}]
    candidate = [{"id": 1, "type": "agent", "text": "a-1 registered", "time": f"2026-11-21T02:59:{second}"}]
    assert sorted(bench.values(control, candidate)) == found


def test_lines_that_say_the_same_do_not_hide_that_others_change_places() -> None:
    control = lines("loaded 59", "back 57", "loaded 55", "used 53", "loaded 51")
    candidate = lines("loaded 59", "used 57", "back 53", "loaded 51")
    assert ("body", "order") in Bench().values(control, candidate)


def test_a_learned_place_binds_no_word_that_both_sides_know() -> None:
    """A caller sent a zone back that an answer had shown, so it was taken for an identifier."""
    bench = Bench(minted=lambda value: value == "order-7x")
    bench.knowledge.learn_generated(ROUTE, "body.zone")
    assert bench.values({"zone": "zone-1a", "order": "order-7x"}, {"zone": "zone-9z", "order": "order-2q"}) == []
    knowing = Bench(minted=lambda value: value in ("zone-1a", "order-7x"))
    knowing.knowledge.learn_generated(ROUTE, "body.zone")
    assert knowing.values({"home": "zone-1a", "x": 1}, {"home": "zone-1a", "x": 2}) == [("body.x", "value")]
    assert knowing.values({"zone": "zone-1a", "order": "order-7x"}, {"zone": "zone-9z", "order": "order-2q"}) == [
        ("body.zone", "value")
    ]


def test_a_place_that_a_registry_tells_of_binds_any_word() -> None:
    bench = Bench(place("body.ref", PlaceKind.GENERATED))
    assert bench.values({"other": "ref-1", "x": 1}, {"other": "ref-1", "x": 2}) == [("body.x", "value")]
    assert bench.values({"ref": "ref-1"}, {"ref": "ref-2"}) == []


def test_tokens_that_chance_left_without_a_digit_are_tokens() -> None:
    bench = Bench()
    control, candidate = "token-KdlvTIOngKbfMzAGBozJKzVQxBzWhjrTu", "token-PQxmWnLRzbTYkkSDqvBNjUIolGHaZmXc"
    assert bench.values({"token": control}, {"token": candidate}) == []
    assert bench.values({"token": control}, {"token": "token-ZZxmWnLRzbTYkkSDqvBNjUIolGHaZmXc"}) == [
        ("body.token", "binding")
    ]
    name = {"call": "getUserAccountBalanceHistoryForCustomer"}
    assert bench.values(name, {"call": "getUserAccountPaymentHistoryForCustomer"}) == [("body.call", "value")]
