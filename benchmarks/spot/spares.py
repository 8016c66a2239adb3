"""Things that one request each uses up: agents to delete, replicas to promote, commands to confirm."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from pymysql.connections import Connection

from benchmarks.spot.data import ASKING, REGION, Scale, agent_id, client_id, insert, owner_of, place_of, token

#: What the spare agents are for; each use has its own.
USES = ("create", "promote", "delete", "failover")
WITH_REPLICA = USES[1:]
_FIRST = 1_000_000


def spare(use: str, number: int) -> int:
    """The number of a spare agent, of its client, and of its instance."""
    return _FIRST * (1 + USES.index(use)) + number


def spare_replica(use: str, number: int) -> str:
    return f"{use}-{number}"


def spare_command(number: int) -> str:
    return f"command-{number}"


def spare_notice(number: int) -> str:
    return f"spare-notice-{number}"


def load_spares(connection: Connection, scale: Scale, count: int, now: datetime) -> None:
    """Add what `count` requests to each route use up, in columns that the old schema has too.

    Every spare agent has a client of its own: what the others have to show stays as it is.
    """
    agents = [(use, number, spare(use, number)) for use in USES for number in range(count)]
    for table, columns, rows in (
        ("clients", "id, name, email, client_token", (_client(each) for _, _, each in agents)),
        (
            "agents",
            "id, client_id, logical_agent_id, hostname, instance_id, instance_type, region, az, current_mode, "
            "current_pool_id, agent_version, status, last_heartbeat_at, manual_replica_enabled",
            (_agent(each, now) for _, _, each in agents),
        ),
        ("agent_configs", "agent_id", ((agent_id(each),) for _, _, each in agents)),
        (
            "instances",
            "id, client_id, agent_id, instance_type, region, az, current_mode, current_pool_id, spot_price, "
            "ondemand_price, baseline_ondemand_price, is_active",
            (_instance(each) for _, _, each in agents),
        ),
        (
            "replica_instances",
            "id, agent_id, instance_id, replica_type, pool_id, instance_type, region, az, status, parent_instance_id",
            (_replica(use, number) for use, number, _ in agents if use in WITH_REPLICA),
        ),
        ("notifications", "id, client_id, message, severity, created_at", _notifications(count, now)),
        ("commands", "id, client_id, agent_id, command_type, target_mode, status", _commands(scale, count)),
    ):
        insert(connection, table, columns, rows)


def _client(number: int) -> tuple[Any, ...]:
    return client_id(number), f"Client {number}", f"client-{number}@example.com", token(number)


def _agent(number: int, now: datetime) -> tuple[Any, ...]:
    pool, kind, zone = place_of(number)
    return (
        *(agent_id(number), client_id(number), f"agent-{number}", f"host-{number}", f"i-{number}"),
        *(kind, REGION, zone, "spot", pool, "4.0.0", "online", now, 1),
    )


def _instance(number: int) -> tuple[Any, ...]:
    pool, kind, zone = place_of(number)
    return (
        *(f"i-{number}", client_id(number), agent_id(number), kind, REGION, zone),
        *("spot", pool, 0.0125, 0.0416, 0.0416, 1),
    )


def _replica(use: str, number: int) -> tuple[Any, ...]:
    agent = spare(use, number)
    pool, kind, zone = place_of(agent)
    return (
        *(spare_replica(use, number), agent_id(agent), f"i-{use}-{number}", "manual"),
        *(pool, kind, REGION, zone, "ready", f"i-{agent}"),
    )


def _notifications(count: int, now: datetime) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        owner = client_id(spare("create", number))
        yield f"unread-{number}", owner, "Agent went offline", "warning", now - timedelta(days=1)
        yield spare_notice(number), owner, "Agent went offline", "warning", now - timedelta(days=1)


def _commands(scale: Scale, count: int) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        agent = number % ASKING
        owner = client_id(owner_of(agent, scale))
        yield spare_command(number), owner, agent_id(agent), "switch", "spot", "executing"
