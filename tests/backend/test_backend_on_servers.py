"""The same stories on MariaDB and PostgreSQL: one of each kind, and what only a server can do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.backend.conftest import Spot
from tests.backend.test_backend_decisions import SITUATION
from tests.backend.test_backend_reports import POOLS, PRICING, SWITCH, changed


def test_every_route_works(spot_on_server: Spot) -> None:
    spot = spot_on_server
    assert spot.http.get("/health").json["database"] == "connected"
    assert spot.get("config").json["min_savings_percent"] == 15.0
    assert spot.get("replica-config").json == {"count": 0, "enabled": 0}
    assert spot.post("heartbeat", {"status": "offline"}).json == {"success": True}
    assert spot.post("pricing-report", PRICING).json == {"success": True}
    assert spot.post("pricing-report", PRICING).json == {"success": True}
    assert spot.post("issue-switch-command", {"target_mode": "spot", "target_pool_id": "p"}).status_code == 201
    (command,) = spot.get("pending-commands").json
    assert spot.post(f"commands/{command['id']}/executed").json == {"success": True}
    assert spot.get("pending-commands").json == []
    assert spot.post("decide", SITUATION).json["recommended_pool_id"] == "pool-b"
    assert spot.get("switch-recommendation").json["decision_type"] == "switch_to_spot"
    assert spot.post("rebalance-recommendation", {"instance_id": "i-1"}).json["action"] == "monitor"
    assert spot.post("switch-report", SWITCH).json == {"success": True}
    assert spot.post("cleanup-report").json["success"]
    assert spot.post("termination").json == {"success": True}
    assert spot.one("SELECT initiated_at FROM switches")["initiated_at"].isoformat() == "2026-11-21T03:10:02"
    assert float(spot.one("SELECT total_savings FROM clients")["total_savings"]) == 0.7128
    assert spot.one("SELECT COUNT(*) AS n FROM spot_price_snapshots") == {"n": 6}


def test_known_pools_are_refreshed(spot_on_server: Spot) -> None:
    spot = spot_on_server
    assert spot.post("pricing-report", PRICING).json == {"success": True}
    spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('other', 't3.medium', 'us-east-1', 'z')")
    spot.sql("UPDATE spot_pools SET updated_at = '2020-01-01 00:00:00', is_active = 0")
    renamed = [{**POOLS[0], "pool_id": POOLS[0]["pool_id"].upper()}, *POOLS[1:]]
    assert spot.post("pricing-report", changed(PRICING, "pricing", spot_pools=renamed)).json == {"success": True}
    refreshed = spot.sql("SELECT id, is_active FROM spot_pools WHERE updated_at > '2021-01-01' ORDER BY id")
    assert refreshed == [{"id": pool["pool_id"], "is_active": 0} for pool in POOLS]
    assert spot.one("SELECT COUNT(*) AS n FROM spot_pools") == {"n": 4}


def test_the_same_words_for_what_cannot_be_stored(spot_on_server: Spot) -> None:
    spot = spot_on_server
    too_long = spot.post("heartbeat", {"status": "x" * 21}).json
    assert too_long == {"error": "1406 (22001): Data too long for column 'status' at row 1"}
    unknown = spot.post("pricing-report", PRICING, "unknown").json["error"]
    assert unknown.startswith("1452 (23000): Cannot add or update a child row: a foreign key constraint fails")
    assert "CONSTRAINT `fk_pricing_reports_agent`" in unknown
    assert spot.post("switch-report", {}).json == {"error": "1048 (23000): Column 'id' cannot be null"}
    assert spot.one("SELECT COUNT(*) AS n FROM switches") == {"n": 0}


def test_a_bad_pool_leaves_nothing_of_the_report(spot_on_server: Spot) -> None:
    spot = spot_on_server
    answer = spot.post(
        "pricing-report", changed(PRICING, "pricing", spot_pools=[POOLS[0], {**POOLS[0], "pool_id": "p"}])
    )
    assert "CONSTRAINT `fk_spot_snapshots_pool`" in answer.json["error"]
    assert spot.one("SELECT COUNT(*) AS n FROM spot_price_snapshots") == {"n": 0}
    assert spot.one("SELECT COUNT(*) AS n FROM pricing_reports") == {"n": 0}


def test_tokens_and_ids_are_compared_without_case_or_accents(spot_on_server: Spot) -> None:
    spot = spot_on_server
    spot.headers = {"Authorization": spot.headers["Authorization"].replace("token", "TÖKEN")}
    assert spot.get("config", spot.agent_id.upper()).status_code == 200
    assert spot.register(logical_agent_id="ÄGENT-1").json["agent_id"] == spot.agent_id


def test_agents_of_one_client_do_not_stand_in_each_others_way(spot_on_server: Spot) -> None:
    """Reports of one client lock the same rows in different orders; the loser of a deadlock is done again."""
    spot = spot_on_server
    agents = [spot.register(logical_agent_id=f"a{n}", instance_id=f"i-a{n}").json["agent_id"] for n in range(4)]

    def work(agent_id: str) -> list[int]:
        answers = []
        for turn in range(5):
            new = {**SWITCH["new_instance"], "instance_id": f"{agent_id[:8]}-{turn}"}  # type: ignore[dict-item]
            answers.append(spot.post("switch-report", {**SWITCH, "new_instance": new}, agent_id).status_code)
            answers.append(spot.post("heartbeat", {"status": ("offline", "online")[turn % 2]}, agent_id).status_code)
        return answers

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, agents)) == [[200] * 10] * 4
    assert float(spot.one("SELECT total_savings FROM clients")["total_savings"]) == 0.7128 * 20


def test_a_number_may_be_the_id_of_a_pool(spot_on_server: Spot) -> None:
    for _ in range(2):
        report = changed(PRICING, "pricing", spot_pools=[*POOLS, {"pool_id": 5, "az": 6, "price": 0.1}])
        assert spot_on_server.post("pricing-report", report).json == {"success": True}
    assert spot_on_server.one("SELECT az FROM spot_pools WHERE id = '5'") == {"az": "6"}
