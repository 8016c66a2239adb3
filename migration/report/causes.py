"""Which differences have the same cause, as far as their looks tell."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from migration.compare.locations import fold
from migration.compare.values import PieceKind, pieces
from migration.compare.verdict import MISSING, Difference, Kind

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
#: Enough of a text to tell one message from another.
_COMPARED_CHARACTERS = 500


class CauseKey(NamedTuple):
    """Equal for differences that probably have one cause."""

    route: str
    location: str
    kind: Kind
    change: tuple[str, str]


def cause_of(route: str, difference: Difference) -> CauseKey:
    """The cause of a difference: where it is (in any record of a list), its kind, and how the values change."""
    shape = json.dumps if difference.kind is Kind.STATUS else _shape
    change = shape(difference.control), shape(difference.candidate)
    return CauseKey(route, fold(difference.location), difference.kind, change)


def _shape(value: Any) -> str:
    """What remains of a value when everything that varies from record to record is taken out."""
    if isinstance(value, bool) or value is None or value == MISSING:
        return str(value)
    if isinstance(value, str):
        return "".join(_masked(piece.kind, piece.text) for piece in pieces(value[:_COMPARED_CHARACTERS]))
    return type(value).__name__


def _masked(kind: PieceKind, text: str) -> str:
    return _NUMBER.sub("#", text) if kind is PieceKind.LITERAL else f"<{kind}>"
