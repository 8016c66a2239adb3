"""Invoices: their numbers, their life from draft to paid, and invoices for time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from backend.assistant.services.finance import invoices
from backend.core.database import run_and_commit
from tests.assistant.tools import Tools, at_once

FIFTY = Decimal(50)
JANUARY = dt.datetime(2025, 1, 15, 9, 30, 5)


def create(tools: Tools, **values: Any) -> Any:
    return tools.finance("create_invoice", **{"client_name": "Ann", "amount": "100.00"} | values)


def test_an_invoice_is_written_changed_and_paid(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    written = create(tools, tax_rate="19", description="The new shop")
    assert (written["status"], written["currency"], written["total_amount"]) == ("draft", "USD", "119.00")
    due = dt.date.fromisoformat(written["date_due"]) - dt.date.fromisoformat(written["date_created"])
    assert due.days == 30
    changed = tools.finance("update_invoice", invoice_id=written["id"], amount="200", status="sent")
    assert (changed["tax_amount"], changed["total_amount"], changed["status"]) == ("38.00", "238.00", "sent")
    assert tools.finance("get_invoice", invoice_id=written["id"]) == changed
    assert tools.finance("balance")["outstanding"] == "238.00"
    paid = tools.finance("mark_paid", invoice_id=written["id"])
    assert (paid["status"], paid["date_paid"] is not None) == ("paid", True)
    found = tools.finance("balance")
    assert (found["income"], found["outstanding"]) == ("238.00", "0.00")
    (listed,) = tools.finance("transactions")["transactions"]
    assert (listed["source"], listed["amount"], listed["party"]) == ("invoice", "238.00", "Ann")


def test_numbers_tell_the_second_and_differ_within_it(tools: Tools) -> None:
    with tools.session() as session:
        numbers = [invoices.create(session, JANUARY, FIFTY, client_name="Ann")["invoice_number"] for _ in range(3)]
    assert numbers == ["INV-20250115-093005", "INV-20250115-093005-2", "INV-20250115-093005-3"]


def test_a_deleted_number_does_not_stand_in_the_way(tools: Tools) -> None:
    with tools.session() as session:
        written = [invoices.create(session, JANUARY, FIFTY, client_name="Ann") for _ in range(3)]
        invoices.delete(session, written[0]["id"])
        again = [invoices.create(session, JANUARY, FIFTY, client_name="Ann")["invoice_number"] for _ in range(2)]
    assert len({*again, written[1]["invoice_number"], written[2]["invoice_number"]}) == 4


def test_numbers_differ_when_many_are_made_at_once(tools_anywhere: Tools) -> None:
    def write() -> str:
        with tools_anywhere.session() as session:
            created = run_and_commit(session, lambda: invoices.create(session, JANUARY, FIFTY, client_name="Ann"))
            return str(created["invoice_number"])

    numbers = at_once(6, write)
    assert len(set(numbers)) == 6
    assert all(number.startswith("INV-20250115-093005") for number in numbers)


def test_overdue_is_a_matter_of_the_date(tools_anywhere: Tools) -> None:
    with tools_anywhere.session() as session:
        late = invoices.create(session, JANUARY, FIFTY, client_name="Ann", status="sent")
        draft = invoices.create(session, JANUARY, FIFTY, client_name="Ann")
        on_the_day = invoices.get(session, JANUARY + dt.timedelta(days=30), late["id"])
        day_after = invoices.get(session, JANUARY + dt.timedelta(days=31), late["id"])
        found = [
            invoices.listed(session, JANUARY + dt.timedelta(days=days), 10, 0, status=status)["total"]
            for days, status in ((30, "sent"), (30, "overdue"), (31, "sent"), (31, "overdue"))
        ]
    assert (on_the_day["status"], day_after["status"]) == ("sent", "overdue")
    assert found == [1, 0, 0, 1]

    def with_status(status: str) -> list[int]:
        return [row["id"] for row in tools_anywhere.finance("invoices", status=status)["invoices"]]

    assert with_status("overdue") == [late["id"]]
    assert with_status("sent") == with_status("paid") == []
    assert with_status("draft") == [draft["id"]]
    found = tools_anywhere.finance("balance")
    assert (found["outstanding"], found["overdue"]) == ("50.00", "50.00")
    assert tools_anywhere.sql("SELECT DISTINCT status FROM invoices WHERE status = 'overdue'") == []


def test_what_is_paid_stays_as_it_is(tools: Tools) -> None:
    number = create(tools)["id"]
    paid = tools.finance("mark_paid", invoice_id=number, date_paid="2025-02-03")
    for action in ("update_invoice", "mark_paid", "delete_invoice"):
        assert "was paid on 2025-02-03" in tools.refused("finance", action, 409, invoice_id=number)
    assert tools.finance("get_invoice", invoice_id=number) == paid


def test_an_invoice_is_paid_once(tools_anywhere: Tools) -> None:
    number = create(tools_anywhere)["id"]
    answers = at_once(3, lambda: tools_anywhere.post("finance", "mark_paid", invoice_id=number).status_code)
    assert sorted(answers) == [200, 409, 409]


def test_what_is_not_there_is_told(tools: Tools) -> None:
    for action in ("get_invoice", "update_invoice", "mark_paid", "delete_invoice"):
        assert tools.refused("finance", action, 404, invoice_id=7) == "There is no invoice 7."
    assert tools.refused("finance", "invoice_time", 404, project_id=7) == "There is no project 7."


def test_an_invoice_is_not_due_before_it_is_written(tools: Tools) -> None:
    (complaint,) = tools.refused("finance", "create_invoice", 422, client_name="A", amount=1, date_due="2001-01-01")
    assert complaint["loc"] == ["body", "parameters", "date_due"]
    assert tools.finance("invoices")["total"] == 0


def test_pages_are_the_newest_first(tools: Tools) -> None:
    numbers = [create(tools)["id"] for _ in range(3)]
    page = tools.finance("invoices", limit=2)
    assert ([row["id"] for row in page["invoices"]], page["total"]) == (numbers[:0:-1], 3)
    assert [row["id"] for row in tools.finance("invoices", limit=2, offset=2)["invoices"]] == numbers[:1]


def test_time_is_billed_once(tools_anywhere: Tools) -> None:
    tools = tools_anywhere
    project = tools.project(hourly_rate="90.00")
    for hours, billable in (("1.50", True), ("2", True), ("8", False)):
        tools.time("add_entry", project_id=project, hours=hours, billable=billable)
    answers = at_once(2, lambda: tools.post("finance", "invoice_time", project_id=project, tax_rate=10))
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (invoice,) = (answer.json["data"] for answer in answers if answer.status_code == 200)
    billed = (invoice["amount"], invoice["total_amount"], invoice["time_entries"], invoice["client_name"])
    assert billed == ("315.00", "346.50", 2, "Example Ltd.")
    entry = next(row for row in tools.time("entries")["entries"] if row["invoiced"])
    assert f"on invoice {invoice['id']}" in tools.refused("time-tracking", "update_entry", 409, entry_id=entry["id"])
    tools.finance("delete_invoice", invoice_id=invoice["id"])
    assert tools.finance("invoice_time", project_id=project)["amount"] == "315.00"


def test_an_invoice_for_nothing_is_refused(tools: Tools) -> None:
    project = tools.project()
    tools.time("start", project_id=project)
    assert "no billable time" in tools.refused("finance", "invoice_time", 409, project_id=project)
    nameless = tools.project(client_name=None)
    (complaint,) = tools.refused("finance", "invoice_time", 422, project_id=nameless)
    assert complaint["loc"][-1] == "client_name"
