"""What the finance tool is told."""

from backend.assistant.schemas.exact_fields import (
    ExactNumber,
    Phrase,
    amount,
    day,
    limit,
    long_text,
    offset,
    phrase,
    required_phrase,
    row_id,
)
from backend.assistant.schemas.expense_table import ExpenseTable
from backend.core.wire_fields import Choice, Flag, WireSchema

MOST_MONEY = "9999999999.99"
MOST_BILLED = "999999.99"
CATEGORIES = (
    *("Office Supplies", "Software", "Hardware", "Marketing", "Travel", "Meals", "Education"),
    *("Professional Services", "Other"),
)
PERIODS = ("month", "quarter", "year")
REPORTS = ("profit_loss", "revenue", "expenses", "tax", "client", "project", "budget")
CATEGORY = {"description": f"Any text; usual are {', '.join(CATEGORIES)}", "example": "Software"}


def category(*, required: bool = False) -> Phrase:
    """A category of money."""
    return Phrase(100, min_length=1, required=required, metadata=CATEGORY)


def tax_rate() -> ExactNumber:
    """A tax in percent."""
    described = {"description": "Percent of the amount", "example": "19"}
    return ExactNumber(places=4, least="0", most="100", metadata=described)


class FinancePeriod(WireSchema):
    """From one day to another, both included; this month unless told otherwise."""

    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")


class TransactionList(FinancePeriod):
    """Which transactions are listed; all unless told otherwise."""

    category = category()
    type = Choice("income", "expense")
    limit = limit()
    offset = offset()


class NewTransaction(WireSchema):
    """Money spent (unless told otherwise) or received, today unless told otherwise."""

    type = Choice("expense", "income", load_default="expense")
    amount = amount(MOST_MONEY, required=True)
    description = required_phrase(500, "IDE")
    category = category()
    subcategory = phrase(100, "Licences")
    vendor = phrase(200, "Example Inc.")
    client_name = phrase(200, "Example Ltd.", data_key="client")
    date = day("When")
    tax_deductible = Flag(metadata={"description": "Of an expense: yes unless told otherwise"})
    project_id = row_id("the project it belongs to", allow_none=True)
    receipt_path = phrase(500, "receipts/ide.pdf")
    notes = long_text("For a year")


class ExpenseNamed(WireSchema):
    """An expense by its id."""

    identifier = row_id("the expense", data_key="expense_id", required=True)


class ExpenseChanges(ExpenseNamed):
    """What an expense is to become; what is left out stays as it is."""

    amount = amount(MOST_MONEY)
    description = phrase(500, "IDE", allow_none=False, min_length=1)
    category = category()
    subcategory = phrase(100, "Licences")
    vendor = phrase(200, "Example Inc.")
    date = day("When")
    tax_deductible = Flag()
    project_id = row_id("the project it belongs to", allow_none=True)
    receipt_path = phrase(500, "receipts/ide.pdf")
    notes = long_text("For a year")


class IncomeNamed(WireSchema):
    """An income by its id."""

    identifier = row_id("the income", data_key="income_id", required=True)


class IncomeChanges(IncomeNamed):
    """What an income is to become; what is left out stays as it is."""

    amount = amount(MOST_MONEY)
    description = phrase(500, "Workshop", allow_none=False, min_length=1)
    category = category()
    client_name = phrase(200, "Example Ltd.", data_key="client")
    date = day("When")
    project_id = row_id("the project it belongs to", allow_none=True)
    notes = long_text("In cash")


class ExpenseList(FinancePeriod):
    """Which expenses are listed; all unless told otherwise."""

    category = category()
    project_id = row_id("their project")
    limit = limit()
    offset = offset()


class ExpenseExport(FinancePeriod):
    """Which expenses are exported; all unless told otherwise."""

    category = category()


class ExpenseImport(WireSchema):
    """Expenses as CSV."""

    rows = ExpenseTable(data_key="csv", required=True)


class NewBudget(WireSchema):
    """What may be spent on a category in each month, quarter or year."""

    category = category(required=True)
    amount = amount(MOST_MONEY, "500.00", required=True)
    period = Choice(*PERIODS, load_default="month")


class BudgetList(WireSchema):
    """Which page of the budgets is listed."""

    limit = limit()
    offset = offset()


class BudgetNamed(WireSchema):
    """A budget by its id."""

    budget_id = row_id("the budget", required=True)


class FinanceReport(FinancePeriod):
    """Which report, about which days: this month unless told otherwise."""

    type = Choice(*REPORTS, required=True, metadata={"example": "profit_loss"})


class InvoiceList(FinancePeriod):
    """Which invoices are listed; all unless told otherwise. The period is about when they were written."""

    status = Choice("draft", "sent", "overdue", "paid")
    client_name = phrase(200, "Example Ltd.", allow_none=False)
    limit = limit()
    offset = offset()


class InvoiceNamed(WireSchema):
    """An invoice by its id."""

    invoice_id = row_id("the invoice", required=True)


class NewInvoice(WireSchema):
    """A bill, due in 30 days unless told otherwise. Its tax is rounded half up to the cent."""

    client_name = required_phrase(200, "Example Ltd.")
    client_email = phrase(254, "accounts@example.com")
    amount = amount(MOST_BILLED, "1250.00", least="0", required=True)
    tax_rate = tax_rate()
    date_due = day("When it must be paid")
    status = Choice("draft", "sent")
    project_id = row_id("its project", allow_none=True)
    description = long_text("The new shop")
    notes = long_text("Thank you")
    payment_terms = phrase(200, "30 days net")


class InvoiceChanges(InvoiceNamed):
    """What an unpaid invoice is to become; what is left out stays as it is."""

    client_name = phrase(200, "Example Ltd.", allow_none=False, min_length=1)
    client_email = phrase(254, "accounts@example.com")
    amount = amount(MOST_BILLED, "1250.00", least="0")
    tax_rate = tax_rate()
    date_due = day("When it must be paid")
    status = Choice("draft", "sent")
    project_id = row_id("its project", allow_none=True)
    description = long_text("The new shop")
    notes = long_text("Thank you")
    payment_terms = phrase(200, "30 days net")


class InvoicePayment(InvoiceNamed):
    """That an invoice was paid, today unless told otherwise."""

    date_paid = day("When it was paid")


class TimeInvoice(WireSchema):
    """A bill for all billable time of a project that is on no invoice yet."""

    project_id = row_id("the project", required=True)
    client_name = phrase(200, "Example Ltd.", allow_none=False)
    client_email = phrase(254, "accounts@example.com")
    since = day("The first day", data_key="from")
    until = day("The last day", data_key="to")
    tax_rate = tax_rate()
    date_due = day("When it must be paid")
    description = long_text("January")
    notes = long_text("Thank you")
    payment_terms = phrase(200, "30 days net")


class FinanceGoalList(WireSchema):
    """Which page of the goals is listed."""

    limit = limit()
    offset = offset()


class NewFinanceGoal(WireSchema):
    """A sum to be reached."""

    goal_name = required_phrase(200, "A new computer")
    target_amount = amount(MOST_MONEY, "2000.00", required=True)
    current_amount = amount(MOST_MONEY, "100.00", least="0")
    target_date = day("By when", allow_none=True)
    category = phrase(100, "Hardware")
    description = long_text("With a large screen")


class FinanceGoalNamed(WireSchema):
    """A goal by its id."""

    goal_id = row_id("the goal", required=True)


class FinanceGoalChanges(FinanceGoalNamed):
    """What a goal is to become; what is left out stays as it is."""

    goal_name = phrase(200, "A new computer", allow_none=False, min_length=1)
    target_amount = amount(MOST_MONEY, "2000.00")
    current_amount = amount(MOST_MONEY, "100.00", least="0")
    target_date = day("By when", allow_none=True)
    category = phrase(100, "Hardware")
    description = long_text("With a large screen")
