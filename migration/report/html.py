"""The report as one HTML page that needs nothing else: no network, no other file, no script to be read."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from jinja2 import Environment, PackageLoader, StrictUndefined

from migration.compare.verdict import Kind
from migration.report.content import Form
from migration.report.model import Body, Cause, Counts, Detail, ExchangeRef, Report
from migration.report.sidebyside import Block, Places, Row, body_blocks, header_rows
from migration.report.text import Change, changed, count, one_line, printable, shorten

#: Causes on the page; the JSON report has more.
_CAUSES = 300
#: Rows of bodies on the whole page, so that a browser can open it.
_BODY_ROWS = 60_000
#: Rows shown of those that differ in one column.
_ROWS_AT_A_PLACE = 50
_VALUE_CHARACTERS = 240
_REQUEST_CHARACTERS = 8_000
_EMPTY = Body(Form.EMPTY, 0)


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """An exchange in full, as the page shows it."""

    anchor: str
    detail: Detail
    headers: list[tuple[str, Row]]
    blocks: list[Block]
    too_much: bool


@dataclass(slots=True)
class CauseView:
    """A cause with the exchanges shown inside of it, and links to those shown elsewhere."""

    cause: Cause
    control: Change
    candidate: Change
    exchanges: list[ExchangeView] = field(default_factory=list)
    links: list[ExchangeRef] = field(default_factory=list)


def render(report: Report) -> Iterator[str]:
    """The page in chunks."""
    environment = Environment(
        loader=PackageLoader("migration.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        value=lambda value: shorten(one_line(value), _VALUE_CHARACTERS),
        printable=lambda text: printable(text, keep="\n\t"),
        bytes=_bytes,
        anchor=_anchor,
        beginning=lambda text: shorten(text, _REQUEST_CHARACTERS),
    )
    script = environment.get_template("report.js.j2").render()
    views = _Views(report)
    yield from environment.get_template("report.html.j2").generate(
        report=report,
        causes=views.causes,
        causes_left=len(report.causes) - len(views.causes),
        errors=[views.exchange(detail) for detail in report.errors],
        kinds=[kind.value for kind in Kind if any(view.cause.kind is kind for view in views.causes)],
        attention=[row for row in report.rules if row.wants_attention],
        places=report.databases.places,
        most=_ROWS_AT_A_PLACE,
        shares=_shares,
        count=count,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
    )


class _Views:
    """Decides under which cause each exchange is shown."""

    def __init__(self, report: Report) -> None:
        self._rows_left = _BODY_ROWS
        self.causes = [_cause_view(cause) for cause in report.causes[:_CAUSES]]
        by_number = {view.cause.number: view for view in self.causes}
        shown: dict[ExchangeRef, int] = {}
        for detail in report.details:
            numbers = {finding.cause for finding in detail.findings}
            candidates = [by_number[number] for number in numbers if number in by_number]
            if candidates:
                # The rarest cause has the fewest other exchanges to show.
                home = min(candidates, key=lambda view: (view.cause.count, view.cause.number))
                home.exchanges.append(self.exchange(detail))
                shown[detail.exchange] = home.cause.number
        for view in self.causes:
            view.links = [
                exchange
                for exchange in view.cause.exchanges
                if shown.get(exchange, view.cause.number) != view.cause.number
            ]

    def exchange(self, detail: Detail) -> ExchangeView:
        places = Places(detail)
        control, candidate = detail.control, detail.candidate
        blocks = body_blocks(control.body if control else _EMPTY, candidate.body if candidate else _EMPTY, places)
        rows = sum(len(block.rows) for block in blocks)
        too_much = rows > self._rows_left
        self._rows_left -= 0 if too_much else rows
        return ExchangeView(
            anchor=_anchor(detail.exchange),
            detail=detail,
            headers=header_rows(control.headers if control else (), candidate.headers if candidate else (), places),
            blocks=[] if too_much else blocks,
            too_much=too_much,
        )


def _cause_view(cause: Cause) -> CauseView:
    example = cause.example
    return CauseView(cause, *changed(one_line(example.control), one_line(example.candidate), _VALUE_CHARACTERS))


def _anchor(exchange: ExchangeRef) -> str:
    # A name may hold anything; an anchor only letters and digits.
    return "x" + hashlib.sha256(exchange.name.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _bytes(size: int) -> str:
    if size < 10_000:
        return f"{size:,} bytes"
    return f"{size / 1_000:,.0f} kB" if size < 10_000_000 else f"{size / 1_000_000:,.1f} MB"


def _shares(counts: Counts) -> list[tuple[str, int, float]]:
    """Outcome, exchanges, and percent of all, for those that occur."""
    outcomes = {name: getattr(counts, name) for name in ("equal", "accepted", "noise", "different", "errors")}
    return [(name, number, 100 * number / counts.exchanges) for name, number in outcomes.items() if number]
