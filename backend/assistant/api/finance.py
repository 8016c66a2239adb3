"""`POST /api/tools/finance`: money."""

from functools import partial

from backend.assistant.api.timed import now
from backend.assistant.api.tool_actions import Action, tool_blueprint
from backend.assistant.schemas import finance as schemas
from backend.assistant.schemas.projects import NewProject, ProjectList
from backend.assistant.services import projects
from backend.assistant.services.finance import (
    balance,
    bookings,
    budgets,
    expense_files,
    goals,
    invoices,
    reports,
    time_billing,
)

ACTIONS = {
    "balance": Action(schemas.FinancePeriod(), now(balance.balance)),
    "transactions": Action(schemas.TransactionList(), bookings.transactions),
    "add_transaction": Action(schemas.NewTransaction(), now(bookings.book)),
    "add_budget": Action(schemas.NewBudget(), now(budgets.put)),
    "reports": Action(schemas.FinanceReport(), now(reports.report)),
    "budgets": Action(schemas.BudgetList(), budgets.listed),
    "delete_budget": Action(schemas.BudgetNamed(), budgets.delete),
    "expenses": Action(schemas.ExpenseList(), bookings.expenses),
    "update_expense": Action(schemas.ExpenseChanges(), partial(bookings.change, type=bookings.EXPENSE)),
    "delete_expense": Action(schemas.ExpenseNamed(), partial(bookings.delete, type=bookings.EXPENSE)),
    "import_expenses": Action(schemas.ExpenseImport(), now(expense_files.take)),
    "export_expenses": Action(schemas.ExpenseExport(), expense_files.export),
    "update_income": Action(schemas.IncomeChanges(), partial(bookings.change, type=bookings.INCOME)),
    "delete_income": Action(schemas.IncomeNamed(), partial(bookings.delete, type=bookings.INCOME)),
    "invoices": Action(schemas.InvoiceList(), now(invoices.listed)),
    "get_invoice": Action(schemas.InvoiceNamed(), now(invoices.get)),
    "create_invoice": Action(schemas.NewInvoice(), now(invoices.create)),
    "update_invoice": Action(schemas.InvoiceChanges(), now(invoices.change)),
    "mark_paid": Action(schemas.InvoicePayment(), now(invoices.mark_paid)),
    "delete_invoice": Action(schemas.InvoiceNamed(), invoices.delete),
    "invoice_time": Action(schemas.TimeInvoice(), now(time_billing.bill)),
    "projects": Action(ProjectList(), projects.listed),
    "create_project": Action(NewProject(), now(projects.create)),
    "goals": Action(schemas.FinanceGoalList(), goals.listed),
    "add_goal": Action(schemas.NewFinanceGoal(), now(goals.add)),
    "update_goal": Action(schemas.FinanceGoalChanges(), goals.change),
    "delete_goal": Action(schemas.FinanceGoalNamed(), goals.delete),
}

finance = tool_blueprint("finance", "Finance", ACTIONS)
