"""The report as JSON, for programs. Its form is documented in docs/report.md and docs/report.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from migration.report.databases import AcceptedInTables, Databases, RowFinding
from migration.report.model import (
    SCHEMA,
    AcceptedRow,
    Cause,
    Counts,
    Detail,
    ExchangeRef,
    Finding,
    Latency,
    NoiseRow,
    Report,
    RouteRow,
    RuleRow,
    Run,
    ShownRequest,
    ShownResponse,
)
from migration.report.text import json_safe

Json = dict[str, Any]


def render(report: Report) -> Iterator[str]:
    """The document in chunks; ASCII only, so that no reader can mistake its encoding."""
    yield from json.JSONEncoder(indent=2, allow_nan=False).iterencode(json_safe(document(report)))
    yield "\n"


def document(report: Report) -> Json:
    """The report as plain JSON-like values."""
    return {
        "schema": SCHEMA,
        "verdict": {"parity": report.parity, "complete": report.complete, "text": report.sentence},
        "run": _run(report.run),
        "summary": _counts(report.summary) | {"differences": report.differences},
        "routes": [_route(row) for row in report.routes],
        "differences": [_finding(finding) for finding in report.findings],
        "causes": [_cause(cause) for cause in report.causes],
        "exchanges": [_detail(detail) for detail in report.details],
        "errors": [_detail(detail) for detail in report.errors],
        "accepted": [_accepted(row) for row in report.accepted],
        "noise": [_noise(row) for row in report.noise],
        "rules": [_rule(row) for row in report.rules],
        "databases": databases(report.databases),
        "omitted": {
            "differences": report.differences - len(report.findings),
            "exchanges": report.summary.different - len(report.details),
            "errors": report.summary.errors - len(report.errors),
            "differences_without_cause": report.causes_omitted,
        },
    }


def _run(run: Run) -> Json:
    return {
        "tool_version": run.tool_version,
        "control": run.control,
        "candidate": run.candidate,
        "control_recorded": run.control_recorded,
        "control_strayed": run.control_strayed,
        "recordings": run.recordings,
        "started": run.started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "elapsed_seconds": run.elapsed_seconds,
        "workers": run.workers,
        "planned_exchanges": run.planned,
        "noise_exchanges": run.noise_exchanges,
        "noise_runs": run.noise_runs,
    }


def _counts(counts: Counts) -> Json:
    return {"exchanges": counts.exchanges} | asdict(counts)


def _route(row: RouteRow) -> Json:
    latency = {"control": _latency(row.control), "candidate": _latency(row.candidate), "ratio_p50": row.ratio}
    return {"route": row.route} | _counts(row.counts) | {"latency": latency}


def _latency(latency: Latency | None) -> Json | None:
    return None if latency is None else {"p50_ms": latency.p50, "p95_ms": latency.p95}


def _exchange(exchange: ExchangeRef) -> Json:
    return asdict(exchange)


def _finding(finding: Finding) -> Json:
    return {
        "route": finding.route,
        "location": finding.location,
        "kind": finding.kind.value,
        "control": finding.control,
        "candidate": finding.candidate,
        "detail": finding.detail,
        "exchange": _exchange(finding.exchange),
        "request": {"method": finding.method, "target": finding.target},
        "curl": finding.curl,
        "cause": finding.cause,
    }


def _cause(cause: Cause) -> Json:
    return {
        "cause": cause.number,
        "route": cause.route,
        "location": cause.location,
        "kind": cause.kind.value,
        "count": cause.count,
        "example": _finding(cause.example),
        "exchanges": [_exchange(exchange) for exchange in cause.exchanges],
    }


def _request(request: ShownRequest | None) -> Json | None:
    return None if request is None else asdict(request)


def _response(response: ShownResponse | None) -> Json | None:
    return None if response is None else asdict(response)


def _detail(detail: Detail) -> Json:
    return {
        "exchange": _exchange(detail.exchange),
        "route": detail.route,
        "error": detail.error,
        "request": _request(detail.request),
        "control_request": _request(detail.control_request),
        "control": _response(detail.control),
        "candidate": _response(detail.candidate),
        "curl": detail.curl,
        "different": [finding.location for finding in detail.findings],
        "accepted": detail.accepted_places,
        "noise": detail.noise_places,
    }


def _accepted(row: AcceptedRow) -> Json:
    return {"rule": asdict(row.rule), "count": row.count, "routes": row.routes, "example": _finding(row.example)}


def _noise(row: NoiseRow) -> Json:
    control, other = row.example
    return {
        "route": row.route,
        "location": row.location,
        "seen": row.seen,
        "differed": row.differed,
        "rate": row.rate,
        "set_aside": row.set_aside,
        "example": [control, other],
    }


def _rule(row: RuleRow) -> Json:
    return {"rule": asdict(row.rule), "used": row.used, "state": row.state.value}


def databases(shown: Databases) -> Json:
    """What was found in the databases."""
    return {
        "compared": shown.compared,
        "equal": shown.equal,
        "tables": [asdict(row) for row in shown.tables],
        "found": shown.found,
        "differences": [_row_finding(finding) for finding in shown.findings],
        "accepted": [_accepted_in_tables(row) for row in shown.accepted],
        "ignored": [{"table": table, "reason": reason} for table, reason in shown.ignored],
        "notes": shown.notes,
        "skipped": shown.skipped,
        "errors": shown.errors,
    }


def _row_finding(finding: RowFinding) -> Json:
    return asdict(finding) | {"kind": finding.kind.value, "key": dict(finding.key)}


def _accepted_in_tables(row: AcceptedInTables) -> Json:
    example = _row_finding(row.example)
    return {"rule": asdict(row.rule), "count": row.count, "tables": row.tables, "example": example}
