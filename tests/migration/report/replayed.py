"""Hand-made events of replay runs, for the tests of reports."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from migration.compare.verdict import MISSING, Accepted, Difference, Kind, NoisePlace, Rule, Verdict
from migration.recording.exchange import Exchange, Request, Response
from migration.replay.events import Event, ExchangeCompared, NoiseLearned, RecordingStarted, RunFinished, RunStarted
from migration.report.limits import Limits
from migration.report.model import Report
from migration.report.summary import ReportBuilder

STARTED = datetime(2026, 11, 21, 3, 30, tzinfo=UTC)
TOKEN = "token-jkLyx4ih2DGV3O2DRy32hoxZn8esAex6"
OTHER_TOKEN = "token-Zz8PqQ1mN5bV7cX3aS9dF2gH4jK6lW0e"
CANDIDATE_URL = "http://127.0.0.1:5001"
JSON_TYPE = ("Content-Type", "application/json")
HEARTBEAT = "POST /api/agents/<agent_id>/heartbeat"
CONFIG = "GET /api/agents/<agent_id>/config"
REGISTER = "POST /api/agents/register"
COMMANDS = "GET /api/agents/<agent_id>/pending-commands"

RULE = Rule(
    route="POST /api/agents/<agent_id>/issue-switch-command",
    location="status",
    change="value",
    reason="The old server always failed here; the new one issues the command.",
    owner="platform",
    expires="2027-06-30",
    source="rules/spot.toml",
)
EXPIRING_RULE = Rule(CONFIG, "header.server", "value", "Another server.", "platform", "2026-12-01")
EXPIRED_RULE = Rule(CONFIG, "header.x-old", "value", "Left over.", "nobody", "2026-01-01")


def response(body: Any = None, status: int = 200, elapsed_ms: float = 10.0, headers: Iterable = ()) -> Response:
    """An answer; ``body`` is bytes as they are, or anything that has a JSON form."""
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Response(status, (JSON_TYPE, *headers), raw, elapsed_ms)


def request(method: str = "GET", target: str = "/api/x", body: Any = None, headers: Iterable = ()) -> Request:
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Request(method, target, (("Authorization", f"Bearer {TOKEN}"), JSON_TYPE, *headers), raw)


def verdict(
    index: int = 0,
    route: str = CONFIG,
    sent: Request | None = None,
    control: Response | None = None,
    candidate: Response | None = None,
    recording: str = "agent-real",
    label: str = "",
    **rest: Any,
) -> Verdict:
    """One comparison; both sides get the same request, the recording answered otherwise than control does now."""
    sent = sent or request(target=f"/api/agents/a-{index}/config")
    exchange = Exchange(recording, index, STARTED, sent, response({"recorded": index}, elapsed_ms=99.0), label)
    return Verdict(
        exchange=exchange,
        route=route,
        session=rest.pop("session", "agent-1"),
        control_request=rest.pop("control_request", sent),
        candidate_request=sent,
        control=control if control is not None or "error" in rest else response({"ok": True}, elapsed_ms=20.0),
        candidate=candidate if candidate is not None or "error" in rest else response({"ok": True}, elapsed_ms=10.0),
        candidate_url=CANDIDATE_URL,
        **rest,
    )


def run(
    verdicts: Iterable[Verdict],
    places: Iterable[NoisePlace] = (),
    rules: Iterable[Rule] = (),
    exchanges: int | None = None,
    finished: bool = True,
) -> list[Event]:
    """The events of a run that compared ``verdicts``."""
    verdicts, places = list(verdicts), tuple(places)
    total = len(verdicts) if exchanges is None else exchanges
    events: list[Event] = [
        RunStarted("http://127.0.0.1:5000", CANDIDATE_URL, ("agent-real", "admin"), total, 3, 2, tuple(rules), STARTED),
        NoiseLearned(2, places),
        RecordingStarted("agent-real", total),
        *(ExchangeCompared(one) for one in verdicts),
    ]
    return [*events, RunFinished(12.5)] if finished else events


def report_of(events: Iterable[Event], limits: Limits | None = None) -> Report:
    builder = ReportBuilder(limits)
    for event in events:
        builder.handle(event)
    return builder.report


def different(index: int = 0, location: str = "body.state", was: Any = "on", now: Any = "off", **rest: Any) -> Verdict:
    """A verdict with one difference."""
    difference = Difference(location, rest.pop("kind", Kind.VALUE), was, now, rest.pop("detail", ""))
    return verdict(index, differences=(difference,), **rest)


def typical_run() -> list[Event]:
    """A run in which everything occurs that a report can show."""
    agent = "7ae84e88-c919-4b18-94f3-6ab26f7d13f4"
    verdicts = [
        verdict(
            index,
            COMMANDS,
            request(target=f"/api/agents/{agent}/pending-commands"),
            response([], elapsed_ms=8 + index % 7),
            response([], elapsed_ms=3 + index % 5),
        )
        for index in range(40)
    ]
    config = {"enabled": 1, "risk_threshold": 0.3, "min_savings_percent": 15.0, "terminate_wait_seconds": 300}
    for index in range(40, 52):
        ours = config | {"risk_threshold": "0.30"}
        verdicts.append(
            verdict(
                index, CONFIG, request(target=f"/api/agents/{agent}/config"),
                response(config, elapsed_ms=21.7), response(ours, elapsed_ms=12.1),
                differences=(Difference("body.risk_threshold", Kind.TYPE, 0.3, "0.30", "A number became text."),),
                label="poll config",
            )
        )  # fmt: skip
    for index in range(52, 55):
        rows = [
            {
                "id": f"r-{n}",
                "region": "us-east-1",
                "price": round(0.02 + n / 1000, 4),
                "pool": {"az": f"us-east-1{'abc'[n % 3]}", "type": "t3.medium"},
            }
            for n in range(30)
        ]
        ours_rows = [dict(row) for row in rows]
        ours_rows[17] = rows[17] | {"price": 0.0371, "client_token": OTHER_TOKEN}
        rows[17] = rows[17] | {"client_token": TOKEN}
        beat = {"status": "online", "monitored_instances": ["i-f81f1b5197fe5c152"], "client_token": TOKEN}
        verdicts.append(
            verdict(
                index, HEARTBEAT, request("POST", f"/api/agents/{agent}/heartbeat?verbose=1", beat),
                response({"at": "2026-11-21T03:21:10", "rows": rows}, elapsed_ms=35.2, headers=[("X-Pool", "a")]),
                response({"at": "2026-11-21T03:41:10", "rows": ours_rows}, elapsed_ms=51.9, headers=[("X-Pool", "b")]),
                differences=(
                    Difference("body.rows[17].price", Kind.VALUE, 0.037, 0.0371),
                    Difference("body.rows[17].client_token", Kind.BINDING, TOKEN, OTHER_TOKEN, "Not control's token."),
                    Difference("header.x-pool", Kind.HEADER, "a", "b"),
                ),
                session=f"token {TOKEN}", label="heartbeat",
            )
        )  # fmt: skip
    verdicts.append(
        verdict(
            55, REGISTER, request("POST", "/api/agents/register", {"client_token": TOKEN, "hostname": "vm"}),
            response({"error": f"Agent {agent} already exists"}, 409, 44.0),
            response({"error": "1062 (23000): Duplicate entry"}, 500, 30.0),
            differences=(
                Difference("status", Kind.STATUS, 409, 500),
                Difference("body.error", Kind.VALUE, f"Agent {agent} already exists", "1062 (23000): Duplicate entry"),
            ),
            label="register twice",
        )
    )  # fmt: skip
    verdicts.append(
        verdict(
            56,
            REGISTER,
            request("POST", "/api/agents/register", {"client_token": TOKEN}),
            response({}),
            None,
            error="candidate gave no answer: connection refused",
        )
    )
    verdicts += [
        verdict(
            index,
            RULE.route,
            request("POST", f"/api/agents/{agent}/issue-switch-command", {"target_mode": "spot"}),
            response({"error": "x"}, 500),
            response({"id": 7}, 201),
            accepted=(
                Accepted(Difference("status", Kind.STATUS, 500, 201), RULE),
                Accepted(Difference("body.error", Kind.MISSING, "x", MISSING), RULE),
            ),
        )
        for index in range(57, 60)
    ]
    verdicts += [
        verdict(
            index,
            "GET /health",
            request(target="/health"),
            response({"up": 17}, elapsed_ms=2.2),
            response({"up": 21}, elapsed_ms=1.1),
            noise=(Difference("body.up", Kind.VALUE, 17, 21),),
        )
        for index in range(60, 66)
    ]
    places = (
        NoisePlace("GET /health", "body.up", 6, 6, (17, 19)),
        NoisePlace(HEARTBEAT, "body.rows[2].price", 30, 3, (0.1, 0.2)),
    )
    return run(verdicts, places, (RULE, EXPIRING_RULE, EXPIRED_RULE))
