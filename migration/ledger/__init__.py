"""The ledger: who serves each route and runs each job now, who decided it, when and why.

:class:`Ledger` reads and changes it; :class:`LedgerReader` tells a serving process what is in force.
"""

from migration.ledger.errors import LedgerConflictError, LedgerError, LedgerUnavailableError
from migration.ledger.evidence import Evidence, EvidenceBook
from migration.ledger.jobs import DeclaredJob, Job
from migration.ledger.reader import LedgerReader
from migration.ledger.routes import Change, Route
from migration.ledger.state import State
from migration.ledger.store import Ledger
from migration.ledger.table import Match, RoutingTable

__all__ = [
    "Change",
    "DeclaredJob",
    "Evidence",
    "EvidenceBook",
    "Job",
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
