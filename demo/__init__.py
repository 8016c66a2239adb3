"""The first migration, as `make demo` shows it."""
