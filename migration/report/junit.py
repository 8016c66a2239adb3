"""The report as JUnit XML, for CI: a test suite for each route, a test case for each exchange."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from migration.compare.verdict import Outcome
from migration.report.model import Case, Report, RouteRow
from migration.report.text import printable

# What XML 1.0 forbids and `printable` lets pass.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> Iterator[str]:
    """The document in chunks. A difference is a failure; what could not be compared is an error."""
    summary = report.summary
    seconds = report.run.elapsed_seconds or 0.0
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        f'<testsuites name="cutover" tests="{summary.exchanges}" failures="{summary.different}" '
        f'errors="{summary.errors}" time="{seconds:.3f}">\n'
    )
    for row in report.routes:
        yield from _suite(report, row, report.cases.get(row.route, ()))
    yield "</testsuites>\n"


def _suite(report: Report, row: RouteRow, cases: Sequence[Case]) -> Iterator[str]:
    counts, started = row.counts, report.run.started.strftime("%Y-%m-%dT%H:%M:%S")
    seconds = sum(case.seconds for case in cases)
    yield (
        f'  <testsuite name={_attribute(row.route)} tests="{counts.exchanges}" failures="{counts.different}" '
        f'errors="{counts.errors}" skipped="0" time="{seconds:.3f}" timestamp="{started}">\n    <properties>\n'
    )
    properties = {
        "control": report.run.control,
        "candidate": report.run.candidate,
        "accepted": counts.accepted,
        "noise": counts.noise,
        "cases_left_out": counts.exchanges - len(cases),
    }
    for name, value in properties.items():
        yield f'      <property name="{name}" value={_attribute(str(value))}/>\n'
    yield "    </properties>\n"
    for case in cases:
        yield _case(row.route, case)
    yield "  </testsuite>\n"


def _case(route: str, case: Case) -> str:
    name = f"{case.recording} #{case.index} {case.label}".rstrip()
    start = f'    <testcase classname={_attribute(route)} name={_attribute(name)} time="{case.seconds:.3f}"'
    inside = _result(case)
    if case.notes:
        inside += f"      <system-out>{_text(case.notes)}</system-out>\n"
    return f"{start}>\n{inside}    </testcase>\n" if inside else f"{start}/>\n"


def _result(case: Case) -> str:
    element = {Outcome.DIFFERENT: "failure", Outcome.ERROR: "error"}.get(case.outcome)
    if element is None:
        return ""
    message = case.problem.partition("\n")[0]
    return (
        f'      <{element} type="{case.outcome.value}" message={_attribute(message)}>'
        f"{_text(case.problem)}</{element}>\n"
    )


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", printable(text, keep="\n\t"))
