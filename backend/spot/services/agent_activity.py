"""What a client's agents decided, reported and met with last, and whether they are well."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, select, union_all

from backend.core.clock import utc_now
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.spot.models import Agent, AgentDecision, PricingReport, SystemEvent

LAST = 5
HEARD_OF = timedelta(minutes=2)
"""Agents send a heartbeat every 30 seconds."""
REPORTED = timedelta(minutes=15)
"""Agents report prices every 5 minutes."""
THEIRS = (Agent.client_id == bindparam("client_id"), Agent.status != "deleted")
AGENTS = Prepared(
    select(
        Agent.id,
        Agent.logical_agent_id,
        Agent.status,
        Agent.current_mode,
        Agent.current_pool_id,
        Agent.last_heartbeat_at,
    )
    .where(*THEIRS)
    .order_by(case((Agent.status == "online", 0), else_=1), Agent.logical_agent_id)
)


def _last_of_each_agent(row_id: Any, agent_id: Any, time: Any, *columns: Any) -> Prepared:
    """The last rows of each agent, newest first, in as many steps through an index as there are rows to find.

    However long the histories are: the first newest row of each agent, then the second, ...
    """
    places = [
        select(
            select(row_id)
            .where(agent_id == Agent.id)
            .order_by(time.desc(), row_id.desc())
            .limit(1)
            .offset(place)
            .correlate(Agent)
            .scalar_subquery()
            .label("id")
        ).where(*THEIRS)
        for place in range(LAST)
    ]
    last = union_all(*places).subquery()
    return Prepared(
        select(agent_id.label("agent_id"), time.label("time"), *columns)
        .join(last, last.c.id == row_id)
        .order_by(agent_id, time.desc(), row_id.desc())
    )


DECISIONS = _last_of_each_agent(
    AgentDecision.id,
    AgentDecision.agent_id,
    AgentDecision.decision_time,
    AgentDecision.decision_type.label("type"),
    AgentDecision.recommended_action.label("action"),
    AgentDecision.risk_score.label("riskScore"),
    AgentDecision.expected_savings.label("expectedSavings"),
    AgentDecision.current_mode.label("currentMode"),
)
REPORTS = _last_of_each_agent(
    PricingReport.id,
    PricingReport.agent_id,
    PricingReport.received_at,
    PricingReport.on_demand_price.label("onDemandPrice"),
    PricingReport.current_spot_price.label("spotPrice"),
)
EVENTS = _last_of_each_agent(
    SystemEvent.id,
    SystemEvent.agent_id,
    SystemEvent.created_at,
    SystemEvent.event_type.label("type"),
    SystemEvent.severity,
    SystemEvent.message,
)
History = dict[str, list[dict[str, Any]]]


def decisions(session: Session, client_id: str) -> list[dict[str, Any]]:
    """The agents of a client, online ones first, with their last five decisions, reports and events, newest first."""
    client = {"client_id": client_id}
    agents = session.execute(AGENTS, client).all()
    if not agents:
        return []
    made, reports, events = (_by_agent(session, query, client) for query in (DECISIONS, REPORTS, EVENTS))
    now = utc_now()
    return [_shape(agent, made[agent.id], reports[agent.id], events[agent.id], now) for agent in agents]


def _by_agent(session: Session, query: Prepared, client: dict[str, str]) -> History:
    rows: History = defaultdict(list)
    for row in session.dicts(query, client):
        rows[row.pop("agent_id")].append(row)
    return rows


def _shape(
    agent: Any,
    made: list[dict[str, Any]],
    reports: list[dict[str, Any]],
    events: list[dict[str, Any]],
    now: datetime,
) -> dict[str, Any]:
    heard_of = agent.last_heartbeat_at is not None and now - agent.last_heartbeat_at <= HEARD_OF
    reporting = _begins_recently(reports, now)
    active = reporting or _begins_recently(made, now)
    healthy = heard_of and active
    last = made[0] if made else {"type": None, "time": None}
    return {
        "agentId": agent.id,
        "agentName": agent.logical_agent_id,
        "status": agent.status,
        "currentMode": agent.current_mode,
        "currentPoolId": agent.current_pool_id,
        "lastHeartbeat": _ago(agent.last_heartbeat_at, now),
        "isHealthy": healthy,
        "lastDecision": {"type": last["type"], "time": last["time"], "elapsed": _elapsed(last["time"], now)},
        "pricingHealth": {
            "status": "active" if reporting else "stale",
            "lastReport": reports[0]["time"] if reports else None,
            "recentReportsCount": len(reports),
        },
        "decisionHistory": [
            {**row, "riskScore": row["riskScore"] or None, "expectedSavings": row["expectedSavings"] or None}
            for row in made
        ],
        "recentActivity": {
            "healthStatus": {
                "overall": "healthy" if healthy else "unhealthy",
                "heartbeat": "active" if heard_of else "stale",
                "activity": "active" if active else "inactive",
                "decisionCount": len(made),
                "recentReportsCount": len(reports),
            },
            "pricingReports": [
                {**row, "onDemandPrice": row["onDemandPrice"] or 0, "spotPrice": row["spotPrice"] or 0}
                for row in reports
            ],
            "systemEvents": events,
        },
    }


def _begins_recently(rows: list[dict[str, Any]], now: datetime) -> bool:
    newest = rows[0]["time"] if rows else None
    return newest is not None and now - newest <= REPORTED


def _minutes(since: datetime, now: datetime) -> int:
    return max(0, int((now - since).total_seconds() // 60))


def _elapsed(since: datetime | None, now: datetime) -> dict[str, Any] | None:
    if since is None:
        return None
    minutes = _minutes(since, now)
    value, unit = (minutes, "minutes") if minutes < 60 else (minutes // 60, "hours")
    return {"minutes": minutes, "formatted": _in_words(minutes, "Just now"), "value": value, "unit": unit}


def _ago(since: datetime | None, now: datetime) -> str:
    return "Unknown" if since is None else _in_words(_minutes(since, now), "< 1 min ago")


def _in_words(minutes: int, just_now: str) -> str:
    if minutes < 1:
        return just_now
    return f"{minutes} min ago" if minutes < 60 else f"{minutes // 60}h ago"
