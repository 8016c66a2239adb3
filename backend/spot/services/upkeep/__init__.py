"""What is done for the system by the clock. Each function does one bounded step; the jobs repeat them."""
