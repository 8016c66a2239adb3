"""The same fleet in any spot database: clients, agents, prices, switches."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from pymysql.connections import Connection

SEED = 20261121
ROWS_A_STATEMENT = 2000
REGION = "us-east-1"
#: How many agents ask, each on its own.
ASKING = 10
ZONES = tuple(f"{REGION}{letter}" for letter in "abcdef")
TYPES = tuple(f"{family}.{size}" for family in ("t3", "m5", "c5") for size in ("medium", "large", "xlarge"))
POOLS = tuple((f"{kind}.{zone}", kind, zone) for kind in TYPES for zone in ZONES)


@dataclass(frozen=True, slots=True)
class Scale:
    """How much there is."""

    clients: int
    agents: int
    prices: int
    switches: int


@cache
def _uuid(what: str, number: int) -> str:
    """As little alike as the random ones of production: those that begin alike take longer to be told apart."""
    return str(uuid5(NAMESPACE_OID, f"{what} {number}"))


def client_id(number: int) -> str:
    return _uuid("client", number)


def agent_id(number: int) -> str:
    return _uuid("agent", number)


def token(number: int) -> str:
    return f"token-of-client-{number}"


def replica_id(number: int) -> str:
    """The standby of an agent."""
    return f"standby-{number}"


def load(connection: Connection, scale: Scale, now: datetime) -> None:
    """Fill the tables that the old schema has, in columns that it has; the same rows for the same arguments."""
    chance = random.Random(SEED)
    for table, columns, rows in (
        ("clients", "id, name, email, client_token", _clients(scale)),
        ("spot_pools", "id, pool_name, instance_type, region, az", _pools()),
        ("ondemand_prices", "id, instance_type, region, price", _ondemand_prices()),
        (
            "agents",
            "id, client_id, logical_agent_id, hostname, instance_id, instance_type, region, az, current_mode, "
            "current_pool_id, agent_version, status, last_heartbeat_at",
            _agents(scale, now),
        ),
        ("agent_configs", "agent_id", ((agent_id(number),) for number in range(scale.agents))),
        (
            "instances",
            "id, client_id, agent_id, instance_type, region, az, current_mode, current_pool_id, spot_price, "
            "ondemand_price, baseline_ondemand_price, is_active, installed_at, created_at",
            _instances(scale, now),
        ),
        ("spot_price_snapshots", "pool_id, price, captured_at, recorded_at", _prices(scale, now, chance)),
        (
            "ondemand_price_snapshots",
            "region, instance_type, price, captured_at, recorded_at",
            _ondemand_snapshots(scale, now),
        ),
        (
            "switches",
            "id, client_id, agent_id, old_instance_id, new_instance_id, new_mode, new_pool_id, on_demand_price, "
            "new_spot_price, savings_impact, event_trigger, initiated_at, instance_launched_at, timestamp",
            _switches(scale, now, chance),
        ),
        ("notifications", "id, client_id, message, severity, created_at", _notifications(scale, now)),
        ("system_events", "event_type, severity, client_id, message, created_at", _events(scale, now)),
        ("client_savings_monthly", "client_id, year, month, baseline_cost, actual_cost, savings", _savings(scale)),
        (
            "replica_instances",
            "id, agent_id, instance_id, replica_type, pool_id, instance_type, region, az, status, parent_instance_id",
            _replicas(scale),
        ),
    ):
        insert(connection, table, columns, rows)
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE TABLE {table}")


def insert(connection: Connection, table: str, columns: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Put rows into a table, in one transaction."""
    places = ", ".join(["%s"] * (columns.count(",") + 1))
    statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"
    waiting = iter(rows)
    connection.begin()
    with connection.cursor() as cursor:
        while batch := list(islice(waiting, ROWS_A_STATEMENT)):
            cursor.executemany(statement, batch)
    connection.commit()


def _clients(scale: Scale) -> Iterator[tuple[Any, ...]]:
    for number in range(scale.clients):
        yield client_id(number), f"Client {number}", f"client-{number}@example.com", token(number)


def _pools() -> Iterator[tuple[Any, ...]]:
    return ((pool, f"{kind} ({zone})", kind, REGION, zone) for pool, kind, zone in POOLS)


def _ondemand_prices() -> Iterator[tuple[Any, ...]]:
    return ((f"ondemand-{kind}", kind, REGION, 0.0416) for kind in TYPES)


def place_of(number: int) -> tuple[str, str, str]:
    """The pool, type and zone of an agent."""
    return POOLS[number % len(POOLS)]


def owner_of(number: int, scale: Scale) -> int:
    """The client of an agent."""
    return number % scale.clients


def _agents(scale: Scale, now: datetime) -> Iterator[tuple[Any, ...]]:
    for number in range(scale.agents):
        pool, kind, zone = place_of(number)
        heard = now - timedelta(seconds=number % 90)
        yield (
            *(agent_id(number), client_id(owner_of(number, scale)), f"agent-{number}", f"host-{number}"),
            *(f"i-{number}", kind, REGION, zone, "spot", pool, "4.0.0", "online", heard),
        )


def _instance_id(agent: int, switches_ago: int) -> str:
    """What an agent ran on, before its last so many switches."""
    return f"i-{agent}-{switches_ago}" if switches_ago else f"i-{agent}"


def _instances(scale: Scale, now: datetime) -> Iterator[tuple[Any, ...]]:
    """What each agent runs on, and what it ran on before: each switch brings an instance, and its row stays."""
    for number in range(scale.agents + scale.switches):
        switches_ago, agent = divmod(number, scale.agents)
        pool, kind, zone = place_of(agent)
        since = now - _between_switches(scale) * number
        yield (
            *(_instance_id(agent, switches_ago), client_id(owner_of(agent, scale)), agent_id(agent)),
            *(kind, REGION, zone, "spot", pool, 0.0125, 0.0416, 0.0416, switches_ago == 0, since, since),
        )


def _prices(scale: Scale, now: datetime, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Evenly over a week, the newest a minute ago."""
    step = timedelta(days=7) / max(1, scale.prices)
    for number in range(scale.prices):
        at = now - timedelta(minutes=1) - step * number
        yield POOLS[number % len(POOLS)][0], round(0.011 + chance.random() * 0.004, 6), at, at


def _ondemand_snapshots(scale: Scale, now: datetime) -> Iterator[tuple[Any, ...]]:
    count = max(1, scale.prices // 50)
    step = timedelta(days=7) / count
    for number in range(count):
        at = now - step * number
        yield REGION, TYPES[number % len(TYPES)], 0.0416, at, at


def _between_switches(scale: Scale) -> timedelta:
    return timedelta(days=30) / max(1, scale.switches)


def _switches(scale: Scale, now: datetime, chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Evenly over thirty days and over the agents."""
    for number in range(scale.switches):
        switches_ago, agent = divmod(number, scale.agents)
        pool = place_of(agent)[0]
        at = now - _between_switches(scale) * number
        yield (
            *(
                _uuid("switch", number),
                client_id(owner_of(agent, scale)),
                agent_id(agent),
                _instance_id(agent, switches_ago + 1),
                _instance_id(agent, switches_ago),
            ),
            *("spot", pool, 0.0416, 0.0125, round(chance.random() * 0.03, 6), ("manual", "model")[number % 2]),
            *(at, at, at),
        )


def _notifications(scale: Scale, now: datetime) -> Iterator[tuple[Any, ...]]:
    for number in range(max(100, scale.switches)):
        owner = client_id(number % scale.clients)
        yield _uuid("notice", number), owner, f"Instance switched: i-{number}", "info", now - timedelta(seconds=number)


def _events(scale: Scale, now: datetime) -> Iterator[tuple[Any, ...]]:
    for number in range(max(100, scale.switches)):
        owner = client_id(number % scale.clients)
        yield "switch_completed", "info", owner, f"Switch {number}", now - timedelta(seconds=number)


def _savings(scale: Scale) -> Iterator[tuple[Any, ...]]:
    for owner in range(scale.clients):
        for month in range(1, 13):
            yield client_id(owner), 2026, month, 100.0, 40.0, 60.0


def _replicas(scale: Scale) -> Iterator[tuple[Any, ...]]:
    """One for each of the first agents."""
    for number in range(min(scale.agents, ASKING)):
        pool, kind, zone = place_of(number)
        yield (
            *(replica_id(number), agent_id(number), f"i-standby-{number}", "manual"),
            *(pool, kind, REGION, zone, "ready", f"i-{number}"),
        )
