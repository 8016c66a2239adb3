"""What happens to replicas without anybody asking."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import event

from backend.core.clock import utc_now
from backend.spot.models import db
from backend.spot.services.replicas.coordinator import BATCH, Report, coordinate
from tests.backend.conftest import Spot
from tests.backend.standby import (
    add_pools,
    assert_one_primary,
    delete,
    insert_instance,
    insert_replica,
    insert_signal,
    instances,
    launched,
    pool_in,
    replicas,
    set_agent,
    use_manual_mode,
)

NOTHING = Report()


def run(spot: Spot, later: timedelta = timedelta()) -> Report:
    """One pass, as if it ran some time later."""
    with spot.app.app_context():
        return coordinate(db.session(), utc_now() + later)


@pytest.fixture
def automatic(spot: Spot) -> Spot:
    """An agent that switches automatically, with pools in three zones."""
    add_pools(spot)
    return spot


@pytest.fixture
def manual(automatic: Spot) -> Spot:
    use_manual_mode(automatic)
    return automatic


def standing(spot: Spot) -> list[str]:
    rows = spot.sql(
        "SELECT id FROM replica_instances WHERE is_active = 1 AND status NOT IN ('promoted', 'terminated') ORDER BY id"
    )
    return [row["id"] for row in rows]


def signal(spot: Spot) -> dict[str, Any]:
    return spot.one("SELECT * FROM spot_interruption_events ORDER BY id DESC LIMIT 1")


# Manual mode ----------------------------------------------------------------------------------------------------------


def test_an_agent_in_manual_mode_gets_one_replica(manual: Spot) -> None:
    assert run(manual) == Report(created=1)
    assert run(manual) == NOTHING
    (made,) = replicas(manual)
    assert made["instance_id"] == f"manual-{made['id'][:8]}"
    assert (made["type"], made["status"], made["created_by"], made["tags"]) == (
        "manual",
        "launching",
        "coordinator",
        {},
    )
    assert (made["pool_id"], made["cost"]["hourly"]) == (pool_in("c"), 0.0119)
    assert (manual.agent()["replica_count"], manual.agent()["current_replica_id"]) == (1, made["id"])


def test_a_deleted_replica_is_replaced(manual: Spot) -> None:
    run(manual)
    delete(manual, standing(manual)[0])
    assert run(manual) == Report(created=1)


@pytest.mark.parametrize(
    ("prices", "zone", "cost"),
    [({"a": 0.01, "b": 0.02}, "a", 0.01), ({"b": None, "a": 0.02}, "a", 0.02), ({"b": None}, "b", 0.05)],
)
def test_where_a_manual_replica_goes(spot: Spot, prices: dict[str, float | None], zone: str, cost: float) -> None:
    use_manual_mode(spot)
    add_pools(spot, prices)
    run(spot)
    (made,) = replicas(spot)
    assert (made["pool_id"], made["cost"]["hourly"]) == (pool_in(zone), cost)


def test_the_current_pool_is_better_than_none(bare: Spot) -> None:
    bare.agent_id = bare.register(mode="spot").json["agent_id"]
    use_manual_mode(bare)
    add_pools(bare, {"a": 0.01})
    assert run(bare) == Report(created=1)
    add_pools(bare, {"b": 0.02})
    delete(bare, standing(bare)[0])
    run(bare)
    assert replicas(bare)[0]["pool_id"] == pool_in("b")


@pytest.mark.parametrize(
    "flags", [{"enabled": 0}, {"status": "offline"}, {"manual_replica_enabled": 0}, {"instance_id": "i-nobody-knows"}]
)
def test_other_agents_get_none(manual: Spot, flags: dict[str, Any]) -> None:
    set_agent(manual, **flags)
    assert run(manual) == NOTHING


def test_what_is_automatic_wins(manual: Spot) -> None:
    set_agent(manual, auto_switch_enabled=1)
    assert run(manual) == NOTHING
    set_agent(manual, auto_switch_enabled=None)
    assert run(manual) == Report(created=1)


def test_without_a_pool_there_is_no_replica(spot: Spot) -> None:
    use_manual_mode(spot)
    assert run(spot) == NOTHING


def test_a_failed_replica_blocks_the_place(manual: Spot) -> None:
    insert_replica(manual, "failed", status="failed")
    assert run(manual) == NOTHING


@pytest.mark.parametrize(
    ("others", "kept"),
    [
        ([("x", {"status": "launching"}), ("y", {"status": "syncing"}), ("z", {"status": "ready"})], "z"),
        ([("x", {"status": "failed"}), ("y", {"status": "launching"})], "y"),
        ([("x", {"created_at": "2026-01-02 00:00:00"}), ("y", {"created_at": "2026-01-01 00:00:00"})], "y"),
        ([("x", {"created_at": "2026-01-01 00:00:00"}), ("y", {"created_by": "system"})], "y"),
        ([("x", {"status": "syncing"}), ("y", {"status": "syncing"}), ("z", {"status": "syncing"})], "x"),
    ],
)
def test_the_most_useful_of_several_is_kept(manual: Spot, others: list[tuple[str, dict[str, Any]]], kept: str) -> None:
    for name, values in others:
        insert_replica(manual, name, **values)
    assert run(manual) == Report(terminated=len(others) - 1)
    assert standing(manual) == [kept]
    assert manual.agent()["replica_count"] == 1
    gone = manual.sql("SELECT status, terminated_at FROM replica_instances WHERE is_active = 0")
    assert all(row["status"] == "terminated" and row["terminated_at"] for row in gone)


def test_a_promotion_is_followed_by_nothing_when_the_former_primary_stands_by(manual: Spot) -> None:
    """The old side made a replica a pass for five minutes, and terminated one, whichever."""
    run(manual)
    made = launched(manual, standing(manual)[0])
    manual.post(f"replicas/{made}/promote")
    (former,) = standing(manual)
    for minutes in range(6):
        assert run(manual, timedelta(minutes=minutes)) == NOTHING
    assert standing(manual) == [former]
    assert_one_primary(manual, "i-2")


def test_a_promotion_is_followed_by_one_replica_when_the_former_primary_goes(manual: Spot) -> None:
    run(manual)
    made = launched(manual, standing(manual)[0])
    manual.post(f"replicas/{made}/promote", {"demote_old_primary": False})
    assert run(manual) == Report(created=1)
    for minutes in range(6):
        assert run(manual, timedelta(minutes=minutes)) == NOTHING
    assert replicas(manual, "status=launching")[0]["pool_id"] != pool_in("c")


def test_an_agent_with_two_active_instances_is_served_too(manual: Spot) -> None:
    """Normal after a switch; the old side broke off there, and served nobody after it."""
    insert_instance(manual, "i-0", client_id=manual.client_id, agent_id=manual.agent_id)
    assert run(manual) == Report(created=1)


# Automatic mode -------------------------------------------------------------------------------------------------------


def test_a_rebalance_recommendation_is_answered_with_one_replica(automatic: Spot) -> None:
    insert_signal(automatic, signal_type="rebalance-recommendation")
    assert run(automatic) == Report(created=1)
    assert run(automatic) == NOTHING
    (made,) = replicas(automatic)
    assert made["instance_id"] == f"emergency-{made['id'][:8]}"
    assert (made["type"], made["created_by"], made["pool_id"]) == ("automatic-rebalance", "coordinator", pool_in("c"))
    assert (automatic.agent()["replica_count"], automatic.agent()["current_replica_id"]) == (1, made["id"])
    assert (signal(automatic)["replica_id"], signal(automatic)["response_action"]) == (made["id"], "created-replica")


def test_a_signal_that_found_no_pool_is_answered_when_there_is_one(spot: Spot) -> None:
    wanted = {"signal_type": "rebalance-recommendation", "instance_id": "i-1"}
    assert spot.post("create-emergency-replica", wanted).status_code == 500
    assert run(spot) == NOTHING
    add_pools(spot, {"b": 0.01})
    assert run(spot) == Report(created=1)
    assert signal(spot)["error_message"] is None


@pytest.mark.parametrize(
    ("flags", "age"),
    [
        ({}, timedelta(hours=2, seconds=5)),
        ({"enabled": 0}, timedelta()),
        ({"status": "offline"}, timedelta()),
        ({"auto_switch_enabled": 0}, timedelta()),
    ],
)
def test_signals_that_are_not_answered(automatic: Spot, flags: dict[str, Any], age: timedelta) -> None:
    insert_signal(automatic, age, signal_type="rebalance-recommendation")
    if flags:
        set_agent(automatic, **flags)
    assert run(automatic) == NOTHING


def test_signals_about_a_former_primary_are_over(automatic: Spot) -> None:
    insert_signal(automatic, signal_type="rebalance-recommendation")
    insert_replica(automatic, "other")
    automatic.post("replicas/other/promote", {"demote_old_primary": False})
    assert run(automatic) == NOTHING


def test_only_the_newest_signal_counts(automatic: Spot) -> None:
    insert_signal(automatic, timedelta(minutes=1), signal_type="rebalance-recommendation")
    insert_signal(automatic, signal_type="termination-notice", failover_completed=1)
    assert run(automatic) == NOTHING


def test_a_termination_notice_is_followed_by_a_failover_when_the_replica_is_ready(automatic: Spot) -> None:
    notice = {"signal_type": "termination-notice", "instance_id": "i-1"}
    made = automatic.post("create-emergency-replica", notice).json["replica_id"]
    assert run(automatic) == NOTHING
    launched(automatic, made)
    assert run(automatic) == Report(failed_over=1)
    assert_one_primary(automatic, "i-2")
    assert instances(automatic)["i-1"] == (False, True)
    done = signal(automatic)
    assert (done["failover_completed"], done["success"]) == (1, 1)
    assert done["metadata"] == '{"emergency_complete": true}'
    assert (automatic.agent()["interruption_handled_count"], automatic.agent()["replica_count"]) == (1, 0)
    assert run(automatic) == NOTHING


def test_a_replica_that_still_syncs_takes_over_when_the_time_is_up(automatic: Spot) -> None:
    notice = {"signal_type": "termination-notice", "instance_id": "i-1"}
    launched(automatic, automatic.post("create-emergency-replica", notice).json["replica_id"], status="syncing")
    assert run(automatic) == run(automatic, timedelta(seconds=115)) == NOTHING
    assert run(automatic, timedelta(seconds=121)) == Report(failed_over=1)
    assert_one_primary(automatic, "i-2")


def test_the_time_that_the_notice_tells_is_kept(automatic: Spot) -> None:
    time = (utc_now() + timedelta(minutes=10)).isoformat() + "Z"
    notice = {"signal_type": "termination-notice", "instance_id": "i-1", "termination_time": time}
    launched(automatic, automatic.post("create-emergency-replica", notice).json["replica_id"], status="syncing")
    assert run(automatic, timedelta(minutes=9)) == NOTHING
    assert run(automatic, timedelta(minutes=10)) == Report(failed_over=1)


def test_a_failover_that_found_nothing_is_made_up_for(automatic: Spot) -> None:
    """The notice came before the replica was ready, and the agent may be dead by now."""
    made = automatic.post("create-emergency-replica", {"signal_type": "rebalance-recommendation"}).json["replica_id"]
    assert automatic.post("termination-imminent", {"instance_id": "i-1"}).status_code == 500
    assert run(automatic) == NOTHING
    launched(automatic, made)
    set_agent(automatic, status="offline")
    assert run(automatic) == Report(failed_over=1)
    assert_one_primary(automatic, "i-2")


def test_the_replica_of_the_signal_takes_over_before_others(automatic: Spot) -> None:
    insert_replica(automatic, "older", created_at="2026-01-01 00:00:00")
    insert_replica(automatic, "meant")
    insert_signal(automatic, signal_type="termination-notice", replica_id="meant")
    assert run(automatic) == Report(failed_over=1)
    assert_one_primary(automatic, "i-meant")


# Many agents, many coordinators ---------------------------------------------------------------------------------------


def more_agents(spot: Spot, number: int) -> None:
    """Agents in manual mode, from `agent-1` on."""
    ids = [(f"agent-{n}", spot.client_id, f"more-{n}", f"i-more-{n}") for n in range(1, number + 1)]
    place = "'t3.medium', 'us-east-1', 'us-east-1a'"
    rows = ", ".join(f"(?, ?, ?, ?, {place}, 'online', 1, 0, 1, 0)" for _ in ids)
    spot.sql(
        "INSERT INTO agents (id, client_id, logical_agent_id, instance_id, instance_type, region, az, status, enabled,"
        f" auto_switch_enabled, manual_replica_enabled, replica_count) VALUES {rows}",
        *chain.from_iterable(ids),
    )
    spot.sql(
        "INSERT INTO instances (id, client_id, agent_id, instance_type, region, az)"
        " SELECT instance_id, client_id, id, instance_type, region, az FROM agents WHERE id <> ?",
        spot.agent_id,
    )


def test_all_agents_are_served_batch_by_batch(manual: Spot) -> None:
    more_agents(manual, BATCH + 4)
    assert run(manual) == Report(created=BATCH + 5)
    assert run(manual) == NOTHING


def test_an_agent_that_fails_stops_no_other(manual: Spot) -> None:
    more_agents(manual, 3)
    manual.sql(
        "CREATE TRIGGER broken BEFORE INSERT ON replica_instances WHEN NEW.agent_id = 'agent-1' BEGIN"
        " SELECT RAISE(ABORT, 'broken'); END"
    )
    assert run(manual) == Report(created=3, errors=1)
    assert manual.one("SELECT replica_count FROM agents WHERE id = 'agent-1'") == {"replica_count": 0}
    manual.sql("DROP TRIGGER broken")
    assert run(manual) == Report(created=1)


@pytest.mark.parametrize("product", ["sqlite", "mariadb", "postgres"])
def test_overlapping_passes_leave_one_replica(product: str, request: pytest.FixtureRequest) -> None:
    spot: Spot = request.getfixturevalue("spot" if product == "sqlite" else f"spot_on_{product}")
    add_pools(spot)
    use_manual_mode(spot)
    more_agents(spot, 4)
    for extra in ("x", "y", "z"):
        insert_replica(spot, extra, agent_id="agent-1")
    with ThreadPoolExecutor(6) as threads:
        reports = [report for _ in range(2) for report in threads.map(lambda _: run(spot), range(6))]
    assert sum(report.created for report in reports) == 4
    assert sum(report.terminated for report in reports) == 2
    assert sum(report.errors for report in reports) == 0
    agents = spot.sql("SELECT agent_id, COUNT(*) AS n FROM replica_instances WHERE is_active = 1 GROUP BY agent_id")
    assert [row["n"] for row in agents] == [1] * 5


def test_a_pass_asks_a_handful_of_questions_however_many_agents_need_nothing(manual: Spot) -> None:
    more_agents(manual, 30)
    run(manual)
    asked: list[str] = []
    with manual.app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        assert coordinate(db.session(), utc_now()) == NOTHING
    assert len([statement for statement in asked if not statement.startswith("BEGIN")]) == 3


def test_it_works_on_the_servers_too(spot_on_server: Spot) -> None:
    spot = spot_on_server
    add_pools(spot)
    wanted = {"signal_type": "rebalance-recommendation", "instance_id": "i-1"}
    made = spot.post("create-emergency-replica", wanted).json["replica_id"]
    delete(spot, made)
    assert run(spot) == Report(created=1)
    launched(spot, replicas(spot)[0]["id"])
    spot.sql("UPDATE spot_interruption_events SET signal_type = 'termination-notice'")
    assert run(spot) == Report(failed_over=1)
    assert_one_primary(spot, "i-2")
    use_manual_mode(spot)
    assert run(spot) == Report(created=1)
    assert run(spot) == NOTHING
