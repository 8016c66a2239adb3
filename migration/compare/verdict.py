"""What a comparison says: differences, why some don't count, and the verdict on an exchange. All values, all frozen."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Any

from migration.recording.exchange import Exchange, Request, Response

#: Stands in a difference for "nothing is there", which is not the same as null.
MISSING = "(missing)"


class Kind(enum.StrEnum):
    """In which way two answers differ at one location."""

    STATUS = "status"
    HEADER = "header"
    MISSING = "missing"  # control has it, candidate does not
    ADDED = "added"  # candidate has it, control does not
    TYPE = "type"
    VALUE = "value"
    BINDING = "binding"  # a reference to another thing than control's
    TIME = "time"  # another moment, or another format of time
    ORDER = "order"
    BODY = "body"  # bodies of different form, or text and bytes that differ
    TRANSPORT = "transport"  # a side gave no answer


class Outcome(enum.StrEnum):
    """The verdict on one exchange."""

    EQUAL = "equal"
    ACCEPTED = "accepted"
    NOISE = "noise"
    DIFFERENT = "different"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs: ``location`` is ``status``, ``header.<name>``, ``body`` or ``body.<path>`` (``body.rows[3].id``).

    ``control`` and ``candidate`` are JSON-like values, or :data:`MISSING`. ``detail`` is one sentence where the two
    values alone don't explain it.
    """

    location: str
    kind: Kind
    control: Any = MISSING
    candidate: Any = MISSING
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """An accepted difference, from a registry file (see ``registry``).

    A rule is either about the answers of a ``route``, at a ``location``, or about the rows of a ``table``: the values
    of a ``column``, or whole rows that are ``missing`` or ``added`` (``row``). The other kind's fields are empty.
    """

    route: str
    location: str
    change: str
    reason: str
    owner: str
    expires: str
    source: str = ""
    when: str = "always"
    recording: str = "*"
    kind: str | None = None
    control: str | None = None
    candidate: str | None = None
    table: str = ""
    column: str = ""
    row: str | None = None

    @property
    def subject(self) -> str:
        """What the rule is about: a route, or ``table <name>``."""
        return f"table {self.table}" if self.table else self.route

    @property
    def place(self) -> str:
        """Where in it: a location, a column, or ``missing row`` and ``added row``."""
        if not self.table:
            return self.location
        return f"{self.row} row" if self.row else self.column


@dataclass(frozen=True, slots=True)
class RowDifference:
    """What differs between the databases of both sides.

    ``column`` is a column of ``table``, with the path inside of it where it holds JSON (``metadata.region``), or empty
    where the whole row is missing or added. ``key`` are the names and values of the row's key columns, as control has
    them, or candidate for an added row.
    """

    table: str
    key: tuple[tuple[str, Any], ...]
    column: str
    kind: Kind
    control: Any = MISSING
    candidate: Any = MISSING
    detail: str = ""

    @property
    def row(self) -> str | None:
        """``missing`` or ``added`` for a whole row, None for a value."""
        return None if self.column else self.kind.value

    @property
    def place(self) -> str:
        """The column, or ``missing row`` and ``added row``."""
        return self.column or f"{self.kind} row"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A difference that a rule explains."""

    difference: Difference
    rule: Rule


@dataclass(frozen=True, slots=True)
class Verdict:
    """One exchange, what both sides answered, and what remains between them.

    ``control_request`` and ``candidate_request`` are the requests as they were really sent, after rewriting.
    ``error`` says why the exchange could not be compared.
    """

    exchange: Exchange
    route: str
    session: str
    control_request: Request
    candidate_request: Request
    control: Response | None
    candidate: Response | None
    differences: tuple[Difference, ...] = ()
    accepted: tuple[Accepted, ...] = ()
    noise: tuple[Difference, ...] = ()
    error: str | None = None
    candidate_url: str = ""

    @property
    def outcome(self) -> Outcome:
        if self.error is not None:
            return Outcome.ERROR
        if self.differences:
            return Outcome.DIFFERENT
        if self.accepted:
            return Outcome.ACCEPTED
        return Outcome.NOISE if self.noise else Outcome.EQUAL

    @property
    def equal(self) -> bool:
        return self.outcome is Outcome.EQUAL


@dataclass(frozen=True, slots=True)
class NoisePlace:
    """A place where control did not agree with itself, how often, and an example of the two values."""

    route: str
    location: str
    seen: int
    differed: int
    example: tuple[Any, Any] = field(default=(None, None))

    @property
    def rate(self) -> float:
        """Share of the answers of this route in which the place differed, 0..1."""
        return self.differed / self.seen if self.seen else 0.0
