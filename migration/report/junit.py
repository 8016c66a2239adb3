"""The report as JUnit XML, for CI: a test suite for each route, a test case for each exchange; one suite of tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from migration.compare.verdict import Outcome
from migration.report.databases import Databases, RowFinding
from migration.report.model import Case, Report, RouteRow
from migration.report.text import one_line, printable, shorten

_TABLE_LINES = 50
_VALUE_CHARACTERS = 200
# What XML 1.0 forbids and `printable` lets pass.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(report: Report) -> Iterator[str]:
    """The document in chunks. A difference is a failure; what could not be compared is an error."""
    summary, tables = report.summary, _tables(report.databases)
    failures = summary.different + sum(failed for failed, _ in tables)
    errors = summary.errors + len(report.databases.errors)
    tests = summary.exchanges + len(tables) + len(report.databases.errors)
    seconds = report.run.elapsed_seconds or 0.0
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield (
        f'<testsuites name="cutover" tests="{tests}" failures="{failures}" errors="{errors}" time="{seconds:.3f}">\n'
    )
    for row in report.routes:
        yield from _suite(report, row, report.cases.get(row.route, ()))
    if tables or report.databases.errors:
        yield from _databases(report.databases, tables)
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


def _databases(shown: Databases, tables: Sequence[tuple[bool, str]]) -> Iterator[str]:
    failures, errors = sum(failed for failed, _ in tables), len(shown.errors)
    yield f'  <testsuite name="databases" tests="{len(tables) + errors}" failures="{failures}" errors="{errors}">\n'
    for _, case in tables:
        yield case
    for error in shown.errors:
        element = f'<error type="error" message={_attribute(error)}>{_text(error)}</error>'
        yield f'    <testcase classname="databases" name="comparison">\n      {element}\n    </testcase>\n'
    yield "  </testsuite>\n"


def _tables(shown: Databases) -> list[tuple[bool, str]]:
    """For each table, whether it differs, and its test case."""
    cases = []
    for row in shown.tables:
        start = f'    <testcase classname="databases" name={_attribute(row.table)}'
        found = [finding for finding in shown.findings if finding.table == row.table]
        if not row.different:
            cases.append((False, f"{start}/>\n"))
            continue
        rows = f"{row.control_rows:,} rows of control, {row.candidate_rows:,} of candidate: {row.different:,} different"
        lines = [_line(finding) for finding in found[:_TABLE_LINES]]
        left = [f"of {len(found):,} differences, {_TABLE_LINES} are shown"] if len(found) > _TABLE_LINES else []
        text = _text("\n".join([*lines, *row.notes, *left]))
        failure = f'      <failure type="different" message={_attribute(rows)}>{text}</failure>\n'
        cases.append((True, f"{start}>\n{failure}    </testcase>\n"))
    return cases


def _line(finding: RowFinding) -> str:
    values = (shorten(one_line(value), _VALUE_CHARACTERS) for value in (finding.control, finding.candidate))
    key = " ".join(f"{name}={shorten(one_line(value), _VALUE_CHARACTERS)}" for name, value in finding.key)
    line = f"{finding.recording}: {finding.name} ({finding.kind}) at {key or 'a row'}: {' → '.join(values)}"
    return f"{line} - {finding.detail}" if finding.detail else line


def _text(text: str) -> str:
    return escape(_clean(text))


def _attribute(text: str) -> str:
    return quoteattr(_clean(text))


def _clean(text: str) -> str:
    return _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", printable(text, keep="\n\t"))
