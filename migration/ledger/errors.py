"""What can go wrong with the ledger. Every text is one or two sentences meant for the user."""

from __future__ import annotations


class LedgerError(Exception):
    """A request to the ledger that can't be carried out; nothing was changed."""


class LedgerUnavailableError(LedgerError):
    """The ledger's database can't be reached or refused the statement."""


class LedgerConflictError(LedgerError):
    """Somebody else changed a route between reading and writing it; nothing was changed."""
