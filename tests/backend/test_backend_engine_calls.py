"""Engines of other people: how they are called, what becomes of their answers, and what when they fail."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.core.settings import SettingsError
from tests.backend.conftest import Spot
from tests.backend.engines import SITUATION, answer, engine_code, operator, start
from tests.support.waiting import eventually

UNAVAILABLE = {
    "allowed": False,
    "expected_savings_per_hour": 0.0,
    "instance_id": "i-1",
    "reason": "Decision engine unavailable - staying in current mode for safety",
    "recommended_action": "stay",
    "recommended_mode": "ondemand",
    "recommended_pool_id": None,
    "risk_score": 0.0,
}
BY_POSITION = b"""
class MLBasedDecisionEngine:
    def __init__(self, model_dir, db_connection_func):
        pass

    def load(self):
        pass

    def make_decision(self, agent_data, pricing_data, market_data):
        return {
            "decision_type": "switch_to_spot" if pricing_data["spot_price"] else "stay_spot",
            "recommended_pool_id": "p",
            "risk_score": 0.2,
            "expected_savings": 0.03,
            "confidence": 0.9,
            "reason": repr((agent_data, pricing_data, market_data)),
        }
"""


class Systems:
    """Starts systems whose engine is a module of the test."""

    def __init__(self, directory: Path, template: Path) -> None:
        self.directory = directory
        self.template = template
        self.modules = 0

    def deciding_with(self, code: bytes, **others: str) -> Spot:
        self.modules += 1
        name = f"engine_of_{self.directory.name}_{self.modules}".replace("-", "_")
        (self.directory / f"{name}.py").write_bytes(code)
        return start(self.directory, self.template, DECISION_ENGINE_MODULE=name, **others)


@pytest.fixture
def systems(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Systems:
    monkeypatch.syspath_prepend(tmp_path)
    return Systems(tmp_path, sqlite_template)


def decision_errors(spot: Spot) -> list[str]:
    query = "SELECT message FROM system_events WHERE event_type = 'decision_error' ORDER BY id"
    return [row["message"] for row in spot.sql(query)]


class TestCalledByName:
    def test_the_answer_is_passed_on_and_kept(self, systems: Systems) -> None:
        models = "    def get_models_used(self):\n        return ['risk 1']\n"
        spot = systems.deciding_with(engine_code(answer(confidence=0.5)) + models.encode())
        decision = spot.post("decide", SITUATION)
        assert (decision.status_code, decision.json) == (200, {**eval(answer()), "confidence": 0.5})
        run = spot.one("SELECT * FROM decision_engine_log")
        assert (run["engine_type"], run["engine_version"]) == ("MLBasedDecisionEngine", "7.0")
        assert json.loads(run["input_data"]) == SITUATION
        assert json.loads(run["output_decision"]) == decision.json
        assert json.loads(run["models_used"]) == ["risk 1"]
        score = spot.one("SELECT * FROM risk_scores")
        assert (score["recommended_pool_id"], score["model_version"]) == ("p", "7.0")
        assert spot.one("SELECT * FROM agent_decision_history")["decision_type"] == "switch_to_spot"

    def test_it_is_told_what_the_contract_says(self, systems: Systems) -> None:
        told = "dict(ANSWER, reason=repr((instance, pricing, config, recent_switches_count, last_switch_time)))"
        code = f"from decimal import Decimal\nANSWER = {answer()}\n".encode() + engine_code(told)
        spot = systems.deciding_with(code)
        spot.sql(
            "INSERT INTO switches (client_id, agent_id, initiated_at) VALUES (?, ?, '2026-01-02 03:04:05'),"
            " (?, ?, datetime('now'))",
            *(spot.client_id, spot.agent_id, spot.client_id, spot.agent_id),
        )
        spot.sql("UPDATE agent_configs SET risk_threshold = 0.45")
        instance, pricing = (dict(sorted(SITUATION[part].items())) for part in ("instance", "pricing"))
        pricing["spot_pools"] = [dict(sorted(pool.items())) for pool in pricing["spot_pools"]]
        reason = spot.post("decide", SITUATION).json["reason"]
        config = (
            "{'enabled': 1, 'auto_switch_enabled': 1, 'min_savings_percent': Decimal('15.0'),"
            " 'risk_threshold': Decimal('0.45'), 'max_switches_per_week': 10, 'min_pool_duration_hours': 2}"
        )
        assert reason.startswith(f"({instance!r}, {pricing!r}, {config}, 1, datetime.")

    def test_it_may_ask_for_the_risk_of_the_pools(self, systems: Systems) -> None:
        code = engine_code(answer()).decode().replace("last_switch_time):", "last_switch_time, pool_risks):")
        spot = systems.deciding_with(code.replace("'because'", "repr(pool_risks)").encode())
        spot.sql(
            "INSERT INTO spot_interruption_events (instance_id, agent_id, pool_id, signal_type, detected_at,"
            " response_action) VALUES ('i', 'a', 'pool-b', 'termination-notice', datetime('now'), 'no-action')"
        )
        assert spot.post("decide", SITUATION).json["reason"] == f"{{'pool-b': {1 / 30!r}}}"

    def test_it_may_ask_the_database(self, systems: Systems) -> None:
        load = """
        def load(self):
            connection = self.connect()
            try:
                cursor = connection.cursor()
                cursor.execute("SELECT hostname FROM agents")
                self.found = cursor.fetchone()[0]
            finally:
                connection.close()
        """
        spot = systems.deciding_with(engine_code(answer()).replace(b"'because'", b"self.found") + _indented(load))
        assert spot.post("decide", SITUATION).json["reason"] == "host-1"

    def test_numbers_and_times_of_libraries_are_made_plain(self, systems: Systems) -> None:
        code = engine_code(
            "{**ANSWER, 'risk_score': numpy.float32(0.5), 'allowed': numpy.bool_(True), 'at': datetime(2026, 1, 2),"
            " 'expected_savings_per_hour': Decimal('0.5')}"
        )
        imports = "import numpy\nfrom datetime import datetime\nfrom decimal import Decimal\n"
        spot = systems.deciding_with(f"{imports}ANSWER = {answer()}\n".encode() + code)
        decision = spot.post("decide", SITUATION).json
        assert (decision["risk_score"], decision["allowed"]) == (0.5, True)
        assert (decision["expected_savings_per_hour"], decision["at"]) == (0.5, "2026-01-02T00:00:00")


class TestCalledByPosition:
    def test_it_answers_both_routes(self, systems: Systems) -> None:
        spot = systems.deciding_with(BY_POSITION)
        decision = spot.post("decide", SITUATION).json
        assert "{'spot_price': 0.01, 'ondemand_price': 0.04, 'pool_id': None}" in decision["reason"]
        assert "'alternative_pools': [{'id': 'pool-a'" in decision["reason"]
        assert {key: decision[key] for key in sorted(decision) if key != "reason"} == {
            "allowed": True,
            "expected_savings_per_hour": 0.03,
            "instance_id": "i-1",
            "recommended_action": "switch_to_spot",
            "recommended_mode": "spot",
            "recommended_pool_id": "p",
            "risk_score": 0.2,
        }
        assert spot.one("SELECT engine_version FROM decision_engine_log") == {"engine_version": "unknown"}
        recommendation = spot.get("switch-recommendation").json
        assert (recommendation["confidence"], recommendation["expected_savings"]) == (0.9, 0.03)

    def test_what_it_recommends_is_held_back_by_the_limits(self, systems: Systems) -> None:
        spot = systems.deciding_with(BY_POSITION)
        spot.sql("UPDATE agents SET auto_switch_enabled = 0")
        decision = spot.post("decide", SITUATION).json
        assert decision["allowed"] is False
        assert decision["reason"].endswith("; held back: automatic switching is off")

    def test_to_stay_is_to_stay_where_one_is(self, systems: Systems) -> None:
        spot = systems.deciding_with(BY_POSITION)
        decision = spot.post("decide", {"instance": SITUATION["instance"], "pricing": {}}).json
        assert (decision["recommended_action"], decision["recommended_mode"]) == ("stay", "ondemand")
        assert (decision["recommended_pool_id"], decision["expected_savings_per_hour"]) == (None, 0.0)


class TestNoEngine:
    @pytest.mark.parametrize(
        "code",
        [
            b"this is no Python",
            b"class SomethingElse: pass",
            b"class MLBasedDecisionEngine: pass",
            b"import sys\nsys.exit(3)",
            engine_code(answer(), body="def load(self):\n    raise ValueError('no')"),
            engine_code(answer()).replace(b"self, instance, pricing,", b"self, only,"),
        ],
        ids=["no Python", "no class", "no constructor", "exit", "load fails", "cannot be called"],
    )
    def test_agents_stay_while_none_is_loaded(self, systems: Systems, code: bytes) -> None:
        spot = systems.deciding_with(code)
        assert spot.post("decide", SITUATION).json == UNAVAILABLE
        assert spot.one("SELECT model_version FROM risk_scores") == {"model_version": None}
        assert spot.sql("SELECT 1 FROM decision_engine_log") == decision_errors(spot) == []
        assert spot.http.get("/health").json["decision_engine_loaded"] is False
        health = operator(spot).system_health()
        assert health["decisionEngine"] == "Not Loaded"
        assert health["decisionEngineStatus"] == {
            "files": [],
            "filesUploaded": 0,
            "loaded": False,
            "type": "None",
            "version": "N/A",
        }

    @pytest.mark.parametrize(
        ("mode", "prices", "expected"),
        [
            ("spot", (0.01, 0.04), ("stay_spot", 0.03, "Current configuration optimal (75.0% savings)")),
            ("ondemand", (None, 0.04), ("stay_ondemand", 0, "Current configuration optimal (0.0% savings)")),
        ],
    )
    def test_it_is_recommended_to_stay(
        self, systems: Systems, mode: str, prices: Any, expected: tuple[str, float, str]
    ) -> None:
        spot = systems.deciding_with(b"")
        spot.sql("UPDATE agents SET current_mode = ?, current_pool_id = 'here'", mode)
        spot.sql("UPDATE instances SET spot_price = ?, ondemand_price = ?", *prices)
        found = spot.get("switch-recommendation").json
        assert (found["decision_type"], found["expected_savings"], found["reason"]) == expected
        assert (found["recommended_pool_id"], found["risk_score"], found["confidence"]) == ("here", 0.3, 0.6)
        assert found["will_auto_execute"] is False

    def test_it_is_tried_again(self, systems: Systems, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("backend.spot.services.engines.host.RETRY_SECONDS", 0.0)
        monkeypatch.setattr("backend.spot.services.engines.host.LOOK_SECONDS", 0.0)
        spot = systems.deciding_with(b"import module_that_comes_later\n" + engine_code(answer()))
        assert spot.post("decide", SITUATION).json == UNAVAILABLE
        later = systems.directory / "module_that_comes_later.py"
        later.write_text("")
        sys.path_importer_cache.clear()
        eventually(lambda: spot.http.get("/health").json["decision_engine_loaded"])
        assert spot.post("decide", SITUATION).json["reason"] == "because"


class TestFailingEngine:
    @pytest.mark.parametrize(
        ("decision", "why"),
        [
            ("1 / 0", "division by zero"),
            ("__import__('sys').exit(1)", "SystemExit: 1"),
            ("None", "The engine answered NoneType, not a dictionary"),
            ("{}", "The engine's answer lacks 'instance_id'"),
            (answer(allowed="yes"), "'allowed' is 'yes', not true or false"),
            (answer(risk_score="high"), "'risk_score' is 'high', not a number"),
            (answer(risk_score=1.5), "'risk_score' is 1.5, not between 0 and 1"),
            (answer().replace("0.25", "float('nan')"), "The engine's answer is no JSON: "),
            (answer().replace("'p'", "object()"), "The engine's answer is no JSON: object has no place in it"),
        ],
    )
    def test_agents_stay_and_operators_are_told(self, systems: Systems, decision: str, why: str) -> None:
        spot = systems.deciding_with(engine_code(decision))
        assert spot.post("decide", SITUATION).json == UNAVAILABLE
        (message,) = decision_errors(spot)
        assert message.startswith(why)
        assert spot.one("SELECT * FROM system_events WHERE event_type = 'decision_error'")["severity"] == "error"
        assert spot.sql("SELECT 1 FROM decision_engine_log") == []
        assert spot.one("SELECT * FROM risk_scores")["model_version"] == "7.0"
        assert spot.one("SELECT * FROM agent_decision_history")["decision_type"] == "stay"

    def test_a_recommendation_fails_with_it(self, systems: Systems) -> None:
        spot = systems.deciding_with(BY_POSITION.replace(b'"switch_to_spot" if', b"1 / 0 if 1 or"))
        found = spot.get("switch-recommendation")
        assert (found.status_code, found.json) == (500, {"error": "division by zero"})

    def test_one_that_is_only_called_by_name_has_no_recommendation(self, systems: Systems) -> None:
        found = systems.deciding_with(engine_code(answer())).get("switch-recommendation")
        assert found.status_code == 500
        assert "missing 2 required positional arguments" in found.json["error"]


class TestHangingEngine:
    def test_nobody_waits_for_long_and_nothing_piles_up(self, systems: Systems) -> None:
        code = b"from threading import Event\nGATE = Event()\n" + engine_code(f"GATE.wait(60) and {answer()}")
        spot = systems.deciding_with(code, DECISION_TIMEOUT="0.05")
        answers = [spot.post("decide", SITUATION).json for _ in range(6)]
        assert answers == [UNAVAILABLE] * 6
        slow, refused = "The decision took longer than 0.05 seconds", "The decision was not begun: "
        assert decision_errors(spot) == [slow] * 4 + [f"{refused}4 earlier ones have not come back"] * 2
        ours = f"engine_of_{systems.directory.name}_"
        (module,) = [module for name, module in sys.modules.items() if name.startswith(ours)]
        module.GATE.set()
        eventually(lambda: spot.post("decide", SITUATION).json["reason"], until=lambda reason: reason == "because")

    def test_one_that_does_not_come_up_is_given_up(self, systems: Systems) -> None:
        code = engine_code(answer(), body="def load(self):\n    __import__('threading').Event().wait(60)")
        spot = systems.deciding_with(code, ENGINE_LOAD_TIMEOUT="0.5")
        assert spot.post("decide", SITUATION).json == UNAVAILABLE
        assert spot.http.get("/health").json["decision_engine_loaded"] is False


def _indented(code: str) -> bytes:
    return ("\n".join(line[4:] for line in code.splitlines()) + "\n").encode()


def test_models_that_an_engine_brings_are_registered(systems: Systems) -> None:
    """Whatever engine is loaded, what it tells of its models is in the registry; nonsense does not keep it away."""
    models = "[{'name': 'own', 'type': 't', 'version': '1', 'file_path': '/f', 'metrics': {'auc': 0.5}}]"
    info = f"    def get_model_info(self):\n        return {models}\n"
    spot = systems.deciding_with(engine_code(answer()) + info.encode())
    assert spot.post("decide", SITUATION).json["reason"] == "because"
    (model,) = eventually(lambda: spot.sql("SELECT * FROM model_registry"))
    assert (model["model_name"], model["is_active"], json.loads(model["performance_metrics"])) == (
        "own",
        1,
        {"auc": 0.5},
    )
    nameless = systems.deciding_with(engine_code(answer()) + info.replace("'name'", "'model_name'").encode())
    assert nameless.post("decide", SITUATION).json["reason"] == "because"


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("DECISION_ENGINE_MODULE", "no module", "the name of a Python module"),
        ("DECISION_ENGINE_CLASS", "no class", "the name of a class"),
        ("MODEL_DIR", "", "a directory"),
        ("ALLOW_ENGINE_UPLOAD", "perhaps", "one of 1, true"),
        ("DECISION_TIMEOUT", "0", "a number of seconds from 0.05 to 60"),
    ],
)
def test_a_setting_that_is_not_allowed_stops_the_start(
    tmp_path: Path, sqlite_template: Path, variable: str, value: str, allowed: str
) -> None:
    with pytest.raises(SettingsError, match=f"{variable} must be {allowed}"):
        start(tmp_path, sqlite_template, **{variable: value})
