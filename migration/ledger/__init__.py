"""The ledger: who serves each route now, who decided it, when and why.

:class:`Ledger` reads and changes it; :class:`LedgerReader` gives a serving process the current routing table.
"""

from migration.ledger.errors import LedgerConflictError, LedgerError, LedgerUnavailableError
from migration.ledger.reader import LedgerReader
from migration.ledger.routes import Change, Route
from migration.ledger.state import State
from migration.ledger.store import Ledger
from migration.ledger.table import Match, RoutingTable

__all__ = [
    "Change",
    "Ledger",
    "LedgerConflictError",
    "LedgerError",
    "LedgerReader",
    "LedgerUnavailableError",
    "Match",
    "Route",
    "RoutingTable",
    "State",
]
