"""Money is exact: every sum is that of whole cents, and halves of cents are rounded up."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.assistant.services.finance import balance, bookings, reports
from backend.assistant.services.finance.amounts import earned, tax_on
from tests.assistant.tools import Tools

AT = dt.datetime(2025, 6, 15, 12)
CENTS = st.integers(1, 999_999_999_999)
SHARED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
BOOKING = st.tuples(
    st.sampled_from(["expense", "income"]), CENTS, st.sampled_from(["Travel", "Meals", "Other"]), st.booleans()
)


def money(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def half_up(exact: Fraction) -> Decimal:
    return money(int((exact * 200 + 1) // 2))


@SHARED
@given(booked=st.lists(BOOKING, max_size=12))
def test_sums_are_those_of_whole_cents(tools: Tools, booked: list[Any]) -> None:
    for table in ("expenses", "incomes"):
        tools.sql(f"DELETE FROM {table}")
    sums: dict[str, int] = {"expense": 0, "income": 0}
    with tools.session() as session:
        for kind, cents, category, deductible in booked:
            details: dict[str, Any] = {"tax_deductible": deductible} if kind == "expense" else {}
            row = bookings.book(session, AT, kind, amount=money(cents), description="x", category=category, **details)
            assert row["amount"] == format(money(cents), ".2f")
            sums[kind] += cents
        found = balance.balance(session, AT)
        spent = reports.report(session, AT, "expenses")
        listed = bookings.transactions(session, 500, 0)
    assert (found["income"], found["expenses"]) == (str(money(sums["income"])), str(money(sums["expense"])))
    assert Decimal(found["net"]) == money(sums["income"] - sums["expense"])
    assert sum((Decimal(line["total"]) for line in spent["categories"]), Decimal(0)) == Decimal(spent["total"])
    deductible = sum(cents for kind, cents, _, wanted in booked if kind == "expense" and wanted)
    assert Decimal(spent["tax_deductible"]) == money(deductible)
    signed = [Decimal(row["amount"]) * (1 if row["type"] == "income" else -1) for row in listed["transactions"]]
    assert (sum(signed, Decimal(0)), listed["total"]) == (Decimal(found["net"]), len(booked))


@given(amount=st.integers(0, 99_999_999), rate=st.integers(0, 1_000_000))
def test_tax_is_rounded_half_up(amount: int, rate: int) -> None:
    assert tax_on(money(amount), Decimal(rate).scaleb(-4)) == half_up(Fraction(amount, 100) * Fraction(rate, 10**6))


@given(seconds=st.integers(0, 400 * 86400), rate=st.integers(0, 99_999_999))
def test_time_is_worth_its_seconds_rounded_half_up(seconds: int, rate: int) -> None:
    assert earned(seconds, money(rate)) == half_up(Fraction(rate * seconds, 360_000))


def test_halves_of_cents_go_up(tools: Tools) -> None:
    invoice = tools.finance("create_invoice", client_name="Ann", amount="0.25", tax_rate=10)
    assert (invoice["tax_amount"], invoice["total_amount"]) == ("0.03", "0.28")
    told = tools.time("add_entry", project_id=tools.project(hourly_rate="0.05"), hours="0.50")
    assert told["total_amount"] == "0.03"


@pytest.mark.parametrize("amount", ["0.10", 0.1, 1, "9999999999.99", 123456.78])
def test_amounts_come_back_as_they_were_sent(tools_anywhere: Tools, amount: Any) -> None:
    booked = tools_anywhere.finance("add_transaction", amount=amount, description="x")
    assert Decimal(booked["amount"]) == Decimal(str(amount))
    (listed,) = tools_anywhere.finance("expenses")["expenses"]
    assert listed == {name: value for name, value in booked.items() if name != "type"}


def test_a_tenth_three_times_is_three_tenths(tools_anywhere: Tools) -> None:
    for _ in range(3):
        tools_anywhere.finance("add_transaction", amount=0.1, description="x", type="income")
    assert tools_anywhere.finance("balance")["income"] == "0.30"


@pytest.mark.parametrize(
    ("amount", "kind"),
    [
        ("1.234", "decimal_max_places"),
        (0.001, "greater_than_equal"),
        (0, "greater_than_equal"),
        (-5, "greater_than_equal"),
        ("10000000000", "less_than_equal"),
        ("1e3", "decimal_parsing"),
        ("NaN", "decimal_parsing"),
        (True, "decimal_type"),
        (None, "decimal_type"),
        ([], "decimal_type"),
    ],
)
def test_what_is_no_amount_is_refused(tools: Tools, amount: Any, kind: str) -> None:
    (complaint,) = tools.refused("finance", "add_transaction", 422, amount=amount, description="x")
    assert (complaint["type"], complaint["loc"]) == (kind, ["body", "parameters", "amount"])
    assert tools.finance("transactions")["total"] == 0
