"""What the events do that the old side's schema script leaves in MySQL. The jobs do these duties now."""

EVENTS = {
    "evt_mark_stale_agents": "sets agents offline that were not heard of for five minutes, and tells nobody",
    "evt_compute_monthly_savings": "works out the month's savings at 01:00, with a formula of its own",
    "evt_daily_cleanup": "deletes old prices, reports, decisions, events, notifications and commands at 02:00",
    "evt_update_total_savings": "sets every client's total savings to zero at 03:00, as nothing fills cost_records",
    "evt_calculate_daily_savings": "sums the savings of the day before at midnight, in a table that nobody reads",
    "evt_cleanup_old_metrics": "deletes old metrics and cleanup reports once a week",
}
