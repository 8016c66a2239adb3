"""Promoting routes and rolling them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migration.ledger.errors import LedgerError
from migration.ledger.evidence import Evidence
from migration.ledger.patterns import Selection, select_routes
from migration.ledger.routes import Change, Route
from migration.ledger.state import State
from migration.ledger.store import Ledger


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a promotion or a roll back did: ``changes`` were made, ``unchanged`` are already at the end of the way,
    ``not_native`` matched a pattern with ``*`` but are not implemented by the native side.

    Of the routes that were promoted, ``unproven`` have no evidence, and ``doubtful`` have evidence that speaks against
    them, or from a run whose databases differed.
    """

    changes: tuple[Change, ...]
    unchanged: tuple[Route, ...]
    not_native: tuple[Route, ...] = ()
    unproven: tuple[Route, ...] = ()
    doubtful: tuple[tuple[Route, Evidence], ...] = ()


def promote(
    ledger: Ledger, domain: str, patterns: Sequence[str], *, who: str, why: str, anyway: bool = False
) -> Outcome:
    """Promote every route that ``patterns`` mean by one state, all of them or none.

    A route that the native side does not implement is refused when it is named exactly, and left alone when a ``*``
    covers it together with others that can move. A route whose newest evidence shows unexplained differences is refused
    unless ``anyway``. Raises :class:`LedgerError`; then nothing was changed.
    """
    selections = _selections(ledger, domain, patterns)
    for selection in selections:
        if not any(route.native_available for route in selection.routes):
            raise LedgerError(_refusal(selection))
    routes = _distinct(selections)
    able = [route for route in routes if route.native_available]
    moves = [(route, after) for route in able if (after := route.state.after_promotion())]
    book = ledger.evidence(domain)
    evidence = [(route, book.of(route)) for route, _ in moves]
    doubtful = [(route, shown) for route, shown in evidence if shown and shown.doubtful]
    against = [(route, shown) for route, shown in doubtful if shown.unexplained]
    if against and not anyway:
        raise LedgerError(_objection(against))
    changes = ledger.move(moves, who=who, why=why)
    return Outcome(
        tuple(changes),
        tuple(route for route in able if route.state.after_promotion() is None),
        tuple(route for route in routes if not route.native_available),
        tuple(route for route, shown in evidence if shown is None),
        tuple(doubtful),
    )


def roll_back(ledger: Ledger, domain: str, patterns: Sequence[str], *, who: str, why: str) -> Outcome:
    """Roll every route that ``patterns`` mean back by one state, all of them or none. Raises :class:`LedgerError`."""
    routes = _distinct(_selections(ledger, domain, patterns))
    moves: list[tuple[Route, State]] = [(route, after) for route in routes if (after := route.state.after_rollback())]
    changes = ledger.move(moves, who=who, why=why)
    return Outcome(tuple(changes), tuple(route for route in routes if route.state.after_rollback() is None))


def _selections(ledger: Ledger, domain: str, patterns: Sequence[str]) -> list[Selection]:
    routes = ledger.routes(domain)
    if not routes:
        raise LedgerError(
            f"The ledger knows no route of the domain {domain}. Fill it with `cutover routes --domain {domain} "
            "--seed SOURCE`, where SOURCE is the legacy application, an OpenAPI file or a recording."
        )
    return [select_routes(pattern, routes) for pattern in patterns]


def _distinct(selections: Sequence[Selection]) -> list[Route]:
    return list({route.id: route for selection in selections for route in selection.routes}.values())


def _refusal(selection: Selection) -> str:
    subject = selection.routes[0].name if selection.exact else f"No route of {selection.pattern!r}"
    verb = "is not implemented" if selection.exact else "is implemented"
    return (
        f"{subject} {verb} by the native side, so it can't be promoted. If it is by now, tell the ledger with "
        "`cutover routes --native TARGET`."
    )


def _objection(against: Sequence[tuple[Route, Evidence]]) -> str:
    route, shown = against[0]
    others = f" So do {len(against) - 1} other routes." if len(against) > 1 else ""
    return (
        f"{route.name} has unexplained differences: {shown.unexplained:,} of {shown.exchanges:,} exchanges in the run "
        f"of {shown.run.at:%Y-%m-%d %H:%M} UTC.{others} Nothing was changed. Explain or mend them and replay with "
        "--evidence, or promote with --anyway."
    )
