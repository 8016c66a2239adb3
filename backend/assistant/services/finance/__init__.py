"""Money: invoices, expenses, incomes, budgets, goals and reports, exact to the cent."""
