"""Decision engines other than the bundled one: their answers, their models, their absence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.legacy.spot_routes.server import Account, SpotServer

ENGINE = '''
class KeywordEngine:
    """Answers the keyword call of the decide route."""

    version = "2.0.0"

    def __init__(self, model_dir, db_connection_func):
        self.model_dir = model_dir

    def load(self):
        assert self.model_dir.is_dir()

    def get_model_info(self):
        return [{"name": "risk", "type": "forest", "version": "7", "file_path": "risk.pkl", "metrics": {"auc": 0.9}}]

    def get_models_used(self):
        return ["risk"]

    def make_decision(self, instance, pricing, config, recent_switches_count, last_switch_time):
        return {
            "instance_id": instance["instance_id"],
            "recommended_action": "switch",
            "recommended_mode": "spot",
            "recommended_pool_id": "p",
            "risk_score": 0.1,
            "expected_savings_per_hour": pricing["on_demand_price"] - pricing["current_spot_price"],
            "allowed": recent_switches_count < config["max_switches_per_week"] and last_switch_time is None,
            "reason": "cheap",
        }
'''


@pytest.fixture
def custom_engine(server: SpotServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keyword_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DECISION_ENGINE_MODULE", "keyword_engine")
    monkeypatch.setenv("DECISION_ENGINE_CLASS", "KeywordEngine")
    server.post("/api/admin/ml-models/activate", {"sessionId": "any"})
    monkeypatch.delitem(sys.modules, "keyword_engine")


@pytest.mark.usefixtures("custom_engine")
def test_a_decision_is_answered_word_for_word_and_logged(server: SpotServer, acme: Account) -> None:
    path = f"/api/agents/{server.agent(acme, 'one')}/decide"
    body = {"instance": {"instance_id": "i-one"}, "pricing": {"on_demand_price": 0.5, "current_spot_price": 0.25}}
    answer = server.post(path, body, token=acme.token).json
    assert answer == {
        "allowed": True,
        "expected_savings_per_hour": 0.25,
        "instance_id": "i-one",
        "reason": "cheap",
        "recommended_action": "switch",
        "recommended_mode": "spot",
        "recommended_pool_id": "p",
        "risk_score": 0.1,
    }
    log = server.row("decision_engine_log")
    assert (log["engine_type"], log["engine_version"], log["instance_id"]) == ("KeywordEngine", "2.0.0", "i-one")
    assert json.loads(log["output_decision"]) == answer
    assert json.loads(log["models_used"]) == ["risk"]
    assert server.row("risk_scores")["model_version"] == "2.0.0"


@pytest.mark.usefixtures("custom_engine")
def test_models_are_registered_once_and_shown(server: SpotServer) -> None:
    model = server.row("model_registry")
    assert (model["model_name"], model["version"], json.loads(model["performance_metrics"])) == (
        "risk",
        "7",
        {"auc": 0.9},
    )
    health = server.get("/api/admin/system-health").json["modelStatus"]
    assert health["activeModels"] == [{"active": True, "name": "risk", "version": "7"}]
    assert (health["name"], health["version"]) == ("KeywordEngine", "2.0.0")


@pytest.mark.usefixtures("custom_engine")
def test_an_engine_without_the_positional_call_fails_a_recommendation(server: SpotServer, acme: Account) -> None:
    agent_id = server.agent(acme, "one")
    answer = server.get(f"/api/agents/{agent_id}/switch-recommendation", token=acme.token)
    assert answer.status_code == 500
    assert "missing 2 required positional arguments" in answer.json["error"]


def test_without_an_engine_everybody_stays(server: SpotServer, acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DECISION_ENGINE_CLASS", "NoSuchEngine")
    server.post("/api/admin/ml-models/activate", {"sessionId": "any"})
    agent_id = server.agent(acme, "one", mode="spot")
    path = f"/api/agents/{agent_id}/switch-recommendation"
    answer = server.get(path, token=acme.token).json
    assert (answer["decision_type"], answer["recommended_pool_id"]) == ("stay_spot", "t3.medium.us-east-1a")
    assert answer["reason"] == "Current configuration optimal (70.0% savings)"
    server.db.execute("UPDATE instances SET spot_price = NULL")
    answer = server.get(path, token=acme.token).json
    assert (answer["expected_savings"], answer["reason"]) == (0, "Current configuration optimal (0.0% savings)")
    server.post(f"/api/agents/{agent_id}/decide", {"instance": {}, "pricing": {}}, token=acme.token)
    assert server.rows("system_events", event_type="decision_error") == []
    assert server.get("/health").json["decision_engine_loaded"] is False
