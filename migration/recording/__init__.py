"""Recordings: exchanges in order, read from and written to HAR 1.2."""
