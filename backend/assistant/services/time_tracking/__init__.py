"""Time: the timer, its breaks, hours told by hand, reports and goals."""
