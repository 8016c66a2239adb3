"""A system whose engines and models are kept in a directory of the test, and somebody who operates it."""

from __future__ import annotations

import io
import shutil
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from flask.testing import FlaskClient
from onnx import TensorProto, helper
from werkzeug.test import TestResponse

from backend import create_app
from tests.backend.conftest import TOKEN, Database, Spot, settings_for, sqlite_runner

MODELS = "/api/admin/ml-models"
ENGINE = "/api/admin/decision-engine/upload"
SITUATION = {
    "instance": {"instance_id": "i-1", "current_mode": "ondemand", "current_pool_id": None},
    "pricing": {
        "on_demand_price": 0.04,
        "current_spot_price": 0.01,
        "spot_pools": [{"pool_id": "pool-a", "price": 0.01}, {"pool_id": "pool-b", "price": 0.02}],
    },
}


def environment(directory: Path, **others: str) -> dict[str, str]:
    """What keeps uploads in `directory`."""
    return {
        "MODEL_DIR": str(directory / "models"),
        "DECISION_ENGINE_DIR": str(directory / "engines"),
        "ADMIN_ACCESS": "open",
        **others,
    }


def start(directory: Path, template: Path, **others: str) -> Spot:
    """The system on SQLite with a client and its registered agent; started again it finds what was there."""
    path = directory / "spot.sqlite3"
    if not path.exists():
        shutil.copyfile(template, path)
    settings = settings_for(f"sqlite:///{path}", **{"AUTO_MIGRATE": "false", **environment(directory, **others)})
    return _populated(Spot(create_app("spot", settings), sqlite_runner(path)))


def start_on(database: Database, directory: Path, **others: str) -> Spot:
    """The same on another database."""
    settings = settings_for(database.url, **environment(directory, **others))
    return _populated(Spot(create_app("spot", settings), database.sql))


def _populated(spot: Spot) -> Spot:
    if not spot.sql("SELECT 1 FROM clients"):
        spot.add_client(spot.client_id, TOKEN)
    spot.agent_id = spot.register().json["agent_id"]
    return spot


@dataclass(frozen=True)
class Operator:
    """Uploads, activates and looks, through HTTP."""

    http: FlaskClient

    def send(self, url: str, files: Sequence[tuple[str, bytes]], field: str = "files") -> TestResponse:
        return self.http.post(url, data={field: [(io.BytesIO(content), name) for name, content in files]})

    def upload(self, *files: tuple[str, bytes]) -> TestResponse:
        return self.send(f"{MODELS}/upload", files)

    def activate(self, session_id: Any) -> TestResponse:
        return self.http.post(f"{MODELS}/activate", json={"sessionId": session_id})

    def put_live(self, *files: tuple[str, bytes]) -> str:
        """Upload and activate; the id of the session."""
        session_id: str = self.upload(*files).json["sessionId"]
        activated = self.activate(session_id)
        assert activated.status_code == 200, activated.json
        return session_id

    def fall_back(self) -> TestResponse:
        return self.http.post(f"{MODELS}/fallback")

    def sessions(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(f"{MODELS}/sessions").json
        return found

    def states(self) -> dict[str, tuple[str, bool, bool]]:
        """Status, live and fallback of each session."""
        return {one["id"]: (one["status"], one["isLive"], one["isFallback"]) for one in self.sessions()}

    def upload_engine(self, *files: tuple[str, bytes]) -> TestResponse:
        return self.send(ENGINE, files)

    def system_health(self) -> dict[str, Any]:
        found: dict[str, Any] = self.http.get("/api/admin/system-health").json
        return found


def operator(spot: Spot) -> Operator:
    return Operator(spot.http)


def onnx_risk(bias: float, *weights: float, features: int = 6, outputs: int = 1) -> bytes:
    """A model that answers bias + the sum of its features, each times its weight (0 unless given)."""
    factors = [*weights, *[0.0] * (features - len(weights))]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["features", "weights"], ["weighted"]),
            helper.make_node("Add", ["weighted", "bias"], ["risk"]),
        ],
        "risk",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, features])],
        [helper.make_tensor_value_info("risk", TensorProto.FLOAT, [None, outputs])],
        [
            helper.make_tensor("weights", TensorProto.FLOAT, [features, outputs], factors * outputs),
            helper.make_tensor("bias", TensorProto.FLOAT, [1], [bias]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def engine_code(decision: str, name: str = "MLBasedDecisionEngine", version: str = "7.0", body: str = "") -> bytes:
    """The Python file of an engine that is called by name; `decision` is the expression that it answers."""
    code = f'''
    class {name}:
        version = "{version}"

        def __init__(self, model_dir, db_connection_func):
            self.model_dir, self.connect = model_dir, db_connection_func

        def load(self):
            pass

        def make_decision(self, instance, pricing, config, recent_switches_count, last_switch_time):
            return {decision}
    '''
    return (textwrap.dedent(code) + textwrap.indent(textwrap.dedent(body), "    ")).encode()


def answer(**changes: Any) -> str:
    """The expression of a decision, to switch to pool p."""
    decision = {
        "instance_id": "i-1",
        "risk_score": 0.25,
        "recommended_action": "switch_to_spot",
        "recommended_mode": "spot",
        "recommended_pool_id": "p",
        "expected_savings_per_hour": 0.5,
        "allowed": True,
        "reason": "because",
    }
    return repr({**decision, **changes})
