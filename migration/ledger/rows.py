"""The ledger's rows as values, and the queries that both writers and readers use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from migration.ledger import schema
from migration.ledger.errors import LedgerUnavailableError
from migration.ledger.routes import Change, Route, shape
from migration.ledger.state import State


@contextmanager
def unavailable() -> Iterator[None]:
    """Turn the database's refusals, except broken uniqueness, into :class:`LedgerUnavailableError` without its URL."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise LedgerUnavailableError(
            f"The ledger's database can't be used ({error.orig}). Check CUTOVER_LEDGER_URL or --ledger."
        ) from error


def read_version(connection: Connection) -> int:
    """The number that every change of the ledger raises."""
    return int(connection.execute(select(schema.version.c.value).where(schema.version.c.id == 1)).scalar_one())


def read_routes(connection: Connection, domain: str) -> list[Route]:
    """The routes of ``domain``, by rule and method."""
    table = schema.routes
    query = select(table).where(table.c.domain == domain).order_by(table.c.rule, table.c.method)
    return [route_of(row) for row in connection.execute(query).mappings()]


def new_route(domain: str, method: str, rule: str, owner: State) -> dict[str, Any]:
    return {
        "domain": domain,
        "method": method,
        "rule": rule,
        "shape": shape(rule),
        "state": owner.value,
        "native_available": False,
        "updated": utc_now(),
        "who": "",
        "why": "seeded",
    }


def history_row(change: Change, at: datetime) -> dict[str, Any]:
    return {
        "domain": change.domain,
        "method": change.method,
        "rule": change.rule,
        "from_state": change.before.value,
        "to_state": change.after.value,
        "who": change.who,
        "at": at,
        "why": change.why,
    }


def route_of(row: Any) -> Route:
    return Route(
        id=row["id"],
        domain=row["domain"],
        method=row["method"],
        rule=row["rule"],
        state=State(row["state"]),
        native_available=bool(row["native_available"]),
        updated=aware(row["updated"]),
        who=row["who"],
        why=row["why"],
    )


def change_of(row: Any) -> Change:
    return Change(
        domain=row["domain"],
        method=row["method"],
        rule=row["rule"],
        before=State(row["from_state"]),
        after=State(row["to_state"]),
        who=row["who"],
        at=aware(row["at"]),
        why=row["why"],
    )


def utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


def aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC)
