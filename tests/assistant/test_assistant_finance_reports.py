"""Budgets, reports, transactions and goals."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from tests.assistant.tools import Tools

YEAR = {"from": "2025-01-01", "to": "2025-12-31"}


def booked(tools: Tools) -> int:
    """Some money of 2025; the project that part of it belongs to."""
    project = tools.project(total_budget="1000")
    for amount, category, date, deductible in (
        ("100.10", "Travel", "2025-01-31", True),
        ("50.05", "Travel", "2025-02-01", True),
        ("20", "Meals", "2025-02-28", False),
    ):
        tools.finance(
            "add_transaction",
            amount=amount,
            category=category,
            date=date,
            description="x",
            tax_deductible=deductible,
            project_id=project,
        )
    tools.finance("add_transaction", type="income", amount="300", description="talk", client="Bob", date="2025-03-01")
    for client, amount in (("Ann", "100"), ("Bob", "200")):
        invoice = tools.finance("create_invoice", client_name=client, amount=amount, tax_rate=10, project_id=project)
        tools.finance("mark_paid", invoice_id=invoice["id"], date_paid="2025-02-15")
    return project


def report(tools: Tools, kind: str, **period: str) -> Any:
    found = tools.finance("reports", type=kind, **(period or YEAR))
    assert (found["type"], found["currency"], found["period"]) == (kind, "USD", period or YEAR)
    return found


def test_reports_tell_what_was_booked(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = booked(tools)
    result = report(tools, "profit_loss")
    figures = (result["revenue"], result["expenses"], result["profit"], result["margin_percent"])
    assert figures == ("630.00", "170.15", "459.85", "72.99")
    assert report(tools, "revenue")["clients"] == [
        {"client_name": "Bob", "total": "520.00"},
        {"client_name": "Ann", "total": "110.00"},
    ]
    expenses = report(tools, "expenses")
    assert expenses["categories"] == [
        {"category": "Travel", "total": "150.15"},
        {"category": "Meals", "total": "20.00"},
    ]
    assert (expenses["total"], expenses["tax_deductible"]) == ("170.15", "150.15")
    tax = report(tools, "tax")
    assert (tax["tax_collected"], tax["invoiced_before_tax"], tax["taxable_income"]) == ("30.00", "300.00", "449.85")
    (line,) = report(tools, "project")["projects"]
    assert (line["project_id"], line["income"], line["expenses"], line["budget_left"]) == (
        project,
        "330.00",
        "170.15",
        "829.85",
    )
    today = dt.datetime.now(dt.UTC).date()
    around = {"from": str(today - dt.timedelta(days=1)), "to": str(today + dt.timedelta(days=1))}
    clients = report(tools, "client", **around)
    assert [(line["client_name"], line["paid"], line["outstanding"]) for line in clients["clients"]] == [
        ("Bob", "220.00", "0.00"),
        ("Ann", "110.00", "0.00"),
    ]
    assert clients["total"] == {"invoices": 2, "invoiced": "330.00", "paid": "330.00", "outstanding": "0.00"}


def test_nothing_has_no_margin(tools: Tools) -> None:
    assert report(tools, "profit_loss")["margin_percent"] == "0.00"


def test_a_period_has_both_its_days(tools: Tools) -> None:
    booked(tools)
    assert report(tools, "profit_loss", **{"from": "2025-01-31", "to": "2025-02-01"})["expenses"] == "150.15"
    assert report(tools, "profit_loss", **{"from": "2025-02-02", "to": "2025-02-27"})["expenses"] == "0.00"


def test_without_a_period_it_is_this_month(tools: Tools) -> None:
    before = dt.datetime.now(dt.UTC).date()
    period = tools.finance("balance")["period"]
    after = dt.datetime.now(dt.UTC).date()
    assert period in [{"from": str(day.replace(day=1)), "to": str(day)} for day in (before, after)]


def test_a_budget_is_set_and_set_again(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    first = tools.finance("add_budget", category="Travel", amount=500)
    assert (first["period"], first["amount"]) == ("month", "500.00")
    assert tools.finance("add_budget", category="Travel", amount="120")["id"] == first["id"]
    tools.finance("add_budget", category="Travel", amount=400, period="quarter")
    tools.finance("add_budget", category="Meals", amount=100, period="year")
    booked(tools)
    lines = report(tools, "budget", **{"from": "2025-01-15", "to": "2025-02-15"})["budgets"]
    assert [(line["category"], line["from"], line["to"], line["spent"], line["remaining"]) for line in lines] == [
        ("Meals", "2025-01-01", "2025-12-31", "20.00", "80.00"),
        ("Travel", "2025-01-01", "2025-01-31", "100.10", "19.90"),
        ("Travel", "2025-02-01", "2025-02-28", "50.05", "69.95"),
        ("Travel", "2025-01-01", "2025-03-31", "150.15", "249.85"),
    ]
    assert lines[1]["percent"] == "83.42"
    tools.finance("delete_budget", budget_id=first["id"])
    assert tools.finance("budgets")["total"] == 2


def test_transactions_are_found(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    booked(tools)
    whole = tools.finance("transactions")
    assert whole["total"] == 6
    dates = [row["date"] for row in whole["transactions"]]
    assert dates == sorted(dates, reverse=True)
    pages = [tools.finance("transactions", limit=2, offset=at)["transactions"] for at in (0, 2, 4, 6)]
    assert [row for page in pages for row in page] == whole["transactions"]
    assert tools.finance("transactions", type="expense")["total"] == 3
    assert tools.finance("transactions", type="income", category="Invoices")["total"] == 2
    assert tools.finance("transactions", category="Travel", **{"from": "2025-02-01"})["total"] == 1


def test_what_was_booked_wrongly_is_corrected(tools: Tools) -> None:
    spent = tools.finance("add_transaction", amount=5, description="x", vendor="Shop")
    changed = tools.finance("update_expense", expense_id=spent["id"], amount="5.50", vendor=None, category="Meals")
    assert (changed["amount"], changed["vendor"], changed["category"]) == ("5.50", None, "Meals")
    gained = tools.finance("add_transaction", type="income", amount=5, description="x", client="Ann")
    assert tools.finance("update_income", income_id=gained["id"], amount=6)["amount"] == "6.00"
    tools.finance("delete_expense", expense_id=spent["id"])
    tools.finance("delete_income", income_id=gained["id"])
    assert tools.finance("transactions")["total"] == 0
    assert tools.refused("finance", "delete_expense", 404, expense_id=1) == "There is no expense 1."
    refused = tools.refused("finance", "add_transaction", 404, amount=5, description="x", project_id=7)
    assert refused == "There is no project 7."


def test_goals_make_progress(tools: Tools) -> None:
    goal = tools.finance("add_goal", goal_name="A computer", target_amount=2000)
    changed = tools.finance("update_goal", goal_id=goal["id"], current_amount="500.50")
    assert changed["progress_percent"] == "25.03"
    assert tools.finance("update_goal", goal_id=goal["id"], current_amount=9999)["progress_percent"] == "100.00"
    assert [row["id"] for row in tools.finance("goals")["goals"]] == [goal["id"]]
    tools.finance("delete_goal", goal_id=goal["id"])
    assert tools.finance("goals")["total"] == 0


@pytest.mark.parametrize(
    ("action", "parameters", "place"),
    [
        ("balance", {"from": "2025-02-01", "to": "2025-01-01"}, "from"),
        ("balance", {"from": "1970-01-01", "to": "2025-01-01"}, "from"),
        ("balance", {"from": "2025-13-01"}, "from"),
        ("reports", {}, "type"),
        ("reports", {"type": "weather"}, "type"),
        ("transactions", {"limit": 501}, "limit"),
        ("transactions", {"offset": -1}, "offset"),
        ("add_budget", {"category": "x", "amount": 1, "period": "week"}, "period"),
        ("add_transaction", {"amount": 1, "description": " "}, "description"),
        ("add_transaction", {"amount": 1, "description": "a\0b"}, "description"),
        ("add_transaction", {"amount": 1, "description": "\ud800"}, "description"),
        ("create_project", {"name": "x", "start_date": "2025-02-01", "end_date": "2025-01-01"}, "end_date"),
        ("create_project", {"name": "x", "color": "red"}, "color"),
    ],
)
def test_what_makes_no_sense_is_refused(tools: Tools, action: str, parameters: dict[str, Any], place: str) -> None:
    (complaint,) = tools.refused("finance", action, 422, **parameters)
    assert complaint["loc"] == ["body", "parameters", place]


def test_recorded_calls_still_succeed(tools: Tools) -> None:
    tools.finance("balance")
    tools.finance("transactions", limit=10)
    assert tools.finance("add_transaction", amount=12.5, category="Software", description="IDE")["type"] == "expense"
    tools.finance("add_budget", category="Travel", amount=500)
    tools.finance("reports", type="profit_loss")
    answer = tools.post("finance", "balance")
    assert list(answer.json) == ["success", "data", "message", "timestamp"]
    assert answer.json["message"] == "Finance action 'balance' processed"
    assert "balance, transactions" in tools.refused("finance", "lend", 400)
